"""The one place that knows where the engines run: who stands behind the ports, by ``settings.target``."""

from pathlib import Path

from patternalarm.engines.errors import TargetError
from patternalarm.engines.local.capacity import FixedCapacity
from patternalarm.engines.local.divided_processes import DividedProcesses
from patternalarm.engines.local.files import LocalFiles
from patternalarm.engines.local.flink import RestFlinkCluster
from patternalarm.engines.local.processes import SupervisedProcesses
from patternalarm.engines.local.rendering import dbt_program as _local_dbt_program
from patternalarm.engines.ports import Capacity, Files, FlinkCluster, Processes
from patternalarm.settings import Settings, Target, get_settings


def processes() -> Processes:
    """Starts, watches and stops processes.

    Raises:
        TargetError: the target is not ``local``.
    """
    settings = _local()
    divided = settings.address("generator_supervisor") != settings.address("supervisor")
    return DividedProcesses(settings) if divided else SupervisedProcesses(settings)


def flink() -> FlinkCluster:
    """Finds, watches and stops Flink jobs.

    Raises:
        TargetError: the target is not ``local``.
    """
    return RestFlinkCluster(_local())


def files() -> Files:
    """Makes and removes the directories of scopes.

    Raises:
        TargetError: the target is not ``local``.
    """
    return LocalFiles(_local())


def capacity() -> Capacity:
    """Scales what costs while it waits.

    Raises:
        TargetError: the target is not ``local``.
    """
    _local()
    return FixedCapacity()


def dbt_program() -> Path:
    """dbt for Cosmos, which runs it in Airflow's own worker and wants its path when a DAG is read.

    Raises:
        TargetError: the target is not ``local``.
    """
    return _local_dbt_program(_local())


def _local() -> Settings:
    settings = get_settings()
    if settings.target is not Target.LOCAL:
        raise TargetError(
            f"target {settings.target!r} comes with the AWS issue: unset PATTERNALARM_TARGET to run everything here"
        )
    return settings
