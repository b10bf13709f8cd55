"""Show a finished run's report."""

from typing import Any, TextIO

import psycopg

from patternalarm.cli.airflow_api import AirflowApi
from patternalarm.cli.errors import PlatformError
from patternalarm.cli.follow import Followed
from patternalarm.contracts.tables import PLATFORM_ROLE
from patternalarm.operators.run_values import OPEN_RUN
from patternalarm.postgres import Connection, Database, unusable
from patternalarm.settings import Settings


def platform_run_ids(api: AirflowApi, followed: Followed) -> list[str]:
    """Our own ids of the runs that an Airflow run opened, in the order of their domains.

    Raises:
        AirflowError: Airflow cannot be reached.
    """
    ids = []
    for task in sorted(followed.tasks, key=lambda task: task.map_index):
        if task.task_id.rpartition(".")[2] == OPEN_RUN and task.state == "success":
            values: Any = api.returned(followed.dag_id, followed.airflow_run_id, task)
            if isinstance(values, dict) and "run_id" in values:
                ids.append(str(values["run_id"]))
    return ids


def show_report(settings: Settings, run_id: str, stream: TextIO) -> bool:
    """Print the graded report of ``run_id``, from its figures in PostgreSQL, and where its files are.

    False, and a line that says so, when the run ended before it was measured.

    Raises:
        PlatformError: PostgreSQL cannot be used.
    """
    # Plots and all would be loaded for every other command too.
    from patternalarm.grading.errors import GradingError, NoLedgerError
    from patternalarm.grading.graded_run import load_graded_run
    from patternalarm.grading.report.data import ReportData
    from patternalarm.grading.report.table import print_report
    from patternalarm.grading.run_store import load_metrics

    def load(connection: Connection) -> ReportData:
        return ReportData(load_graded_run(connection, run_id), load_metrics(connection, run_id))

    try:
        with Database(settings, PLATFORM_ROLE) as database:
            data = database.write(f"read the figures of {run_id}", load)
    except NoLedgerError:
        stream.write(f"no report of {run_id}: it ended before its events were counted\n")
        return False
    except GradingError as error:
        stream.write(f"no report of {run_id}: {error}\n")
        return False
    except psycopg.OperationalError as error:
        raise PlatformError(f"no report of {run_id}: {unusable(settings, error)}") from error
    print_report(data, stream)
    for name in ("report.html", "report.json"):
        path = settings.reports_dir / run_id / name
        if path.is_file():
            stream.write(f"{path}\n")
    return True
