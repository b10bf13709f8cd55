"""The one place that knows where the engines run: which hook stands behind the operators, by ``settings.target``."""

from patternalarm.hooks.flink import FlinkHook
from patternalarm.hooks.supervisor import SupervisorHook
from patternalarm.settings import Settings, Target, get_settings


class TargetError(NotImplementedError):
    """The chosen target has no such part yet."""


def processes() -> SupervisorHook:
    """Starts, watches and stops processes.

    Raises:
        TargetError: the target is not ``local``.
    """
    return SupervisorHook(_local())


def flink() -> FlinkHook:
    """Submits, watches and stops Flink jobs.

    Raises:
        TargetError: the target is not ``local``.
    """
    return FlinkHook(_local())


def _local() -> Settings:
    settings = get_settings()
    if settings.target is not Target.LOCAL:
        raise TargetError(
            f"target {settings.target!r} comes with the AWS issue: unset PATTERNALARM_TARGET to run everything here"
        )
    return settings
