"""``make demo`` after its checks and installations: up, a first model, a graded load test, and what to look at next.

``python -m infra.local.demo`` in the services environment. Everything it does goes through the real DAGs by the command line
of the platform. What an earlier demo left is used again, and said so. Speed is shown beside its targets and decides nothing:
what else this machine does is not known. Exit code: the load test's verdict, or 1 or 2 of the step that failed.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psycopg
from infra.local.configuration import Configuration
from infra.local.machine import REPOSITORY
from infra.local.platform import Platform, UsageError, exclusively, load_configuration
from infra.local.progress import Progress, StepError

from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.tables import PLATFORM_ROLE
from patternalarm.engines.local.supervisor import SupervisorError
from patternalarm.models.metadata import ModelError
from patternalarm.models.registry import ModelRegistryError, ModelVersion
from patternalarm.models.serving import serving_model
from patternalarm.postgres import Database, unusable

DOMAIN = "payments"
LOAD_TEST = ("--domain", DOMAIN, "--level", "normal", "--minutes", "2", "--seed", "7", "--no-strict")


def usable_model(configuration: Configuration) -> ModelVersion | None:
    """The promoted model of the demo's domain, if it is whole and still fits the domain's pack.

    Raises:
        StepError: PostgreSQL cannot be used.
    """
    with Database(configuration.settings, PLATFORM_ROLE) as database:
        try:
            return database.write("look for a model", lambda connection: serving_model(connection, load_pack(DOMAIN)))
        except (ModelRegistryError, ModelError):
            return None
        except psycopg.OperationalError as error:
            raise StepError(unusable(configuration.settings, error)) from error


def command_line(configuration: Configuration, arguments: Sequence[str]) -> int:
    """Run the platform's command line with its output on the terminal; its exit code."""
    python = str(configuration.settings.python("services"))
    return subprocess.run([python, "-m", "patternalarm.cli", *arguments], cwd=REPOSITORY, check=False).returncode


def reports(configuration: Configuration) -> set[Path]:
    """Reports of graded runs that are there."""
    return set(configuration.settings.reports_dir.glob("*/report.html"))


def farewell(configuration: Configuration, new_reports: set[Path]) -> str:
    """Where everything is, how to go on, how to stop."""
    settings = configuration.settings
    lines = [""]
    for report in sorted(new_reports):
        lines += [f"Report     {report}", f"           {report.with_suffix('.json')}"]
    return "\n".join(
        [
            *lines,
            f"Dashboard  {settings.superset_url}/superset/dashboard/live-fraud/",
            f"           login admin, password {settings.superset_admin_password}",
            f"Airflow    {settings.airflow_url}",
            f"           login admin, password {settings.airflow_admin_password}",
            f"API        {settings.api_url}/docs",
            "",
            "Go on      make load-test DOMAIN=gaming LEVEL=normal MINUTES=2 SEED=11",
            "           make replay FILE=<your events.parquet> PACK=<its pack>",
            f"           {configuration.home}/bin/airflow dags trigger run_load_test --conf "
            '\'{"domain": "iot", "level": "mini"}\'',
            "           make status, make logs S=kafka, make help",
            "Stop       make down",
            "",
        ]
    )


def run(progress: Progress) -> int:
    """The demo.

    Raises:
        UsageError, StepError: see ``Platform.up``.
    """
    configuration = load_configuration()
    with exclusively(configuration.home):
        Platform(configuration, progress).up()
    known = reports(configuration)
    model = usable_model(configuration)
    if model:
        progress.say(f"model {model.version} of {DOMAIN} is promoted and fits the pack: training skipped")
    else:
        progress.say(f"training the first model of {DOMAIN} through the DAG retrain_model")
        exit_code = command_line(configuration, ["retrain", "--domain", DOMAIN])
        if exit_code != 0:
            return exit_code
        progress.say("model trained and promoted")
    progress.say("load test through the DAG run_load_test: " + " ".join(LOAD_TEST))
    exit_code = command_line(configuration, ["load-test", *LOAD_TEST])
    progress.say("load test passed" if exit_code == 0 else "load test did not pass; its report says why")
    sys.stdout.write(farewell(configuration, reports(configuration) - known))
    return exit_code


def main() -> int:
    """Command line."""
    try:
        with Progress() as progress:
            return run(progress)
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_INPUT
    except (StepError, SupervisorError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.FAILED
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the platform stays up: make status, make down\n")
        return ExitCode.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
