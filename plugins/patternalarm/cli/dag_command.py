"""``build-marts`` and ``publish``: DAGs without parameters."""

import argparse

from rich.console import Console

from patternalarm.cli.airflow_api import AirflowApi
from patternalarm.cli.follow import Follower
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.settings import Settings


class DagCommand:
    """Starts a DAG that takes no parameters, and follows it.

    Args:
        dag_id: the DAG.
    """

    def __init__(self, dag_id: str) -> None:
        self.dag_id = dag_id

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """There are none."""

    def run(self, arguments: argparse.Namespace, settings: Settings, console: Console) -> int:  # noqa: ARG002
        """Run it; 0 when it succeeded.

        Raises:
            AirflowError: see there.
        """
        return 0 if Follower(AirflowApi(settings), console).run(self.dag_id, {}).succeeded else ExitCode.FAILED
