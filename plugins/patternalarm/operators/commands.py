"""Command lines of the platform's jobs: which environment's program runs which of our files.

Option names come as Python keywords (``run_id`` -> ``--run-id``); values may be Jinja templates.
"""

from pathlib import Path
from typing import Final

from patternalarm.settings import REPOSITORY, get_settings

_SPARK_JOBS: Final = REPOSITORY / "spark_jobs"


def service(module: str, *flags: str, **options: object) -> list[str]:
    """``python -m patternalarm.<module>`` in the services environment."""
    python = str(get_settings().python("services"))
    return [python, "-m", f"patternalarm.{module}", *_written(options), *flags]


def spark_job(script: str, **options: object) -> list[str]:
    """``spark_jobs/<script>`` in the Spark environment; the job starts its own JVM."""
    return [str(get_settings().python("spark")), str(_SPARK_JOBS / script), *_written(options)]


def flink_submission(script: str, **options: object) -> list[str]:
    """``flink run`` of ``flink_jobs/<script>``, detached, on the session cluster."""
    settings = get_settings()
    jobs = REPOSITORY / "flink_jobs"
    address = f"{settings.host}:{settings.flink_rest_port}"
    return [
        *(str(settings.home / "bin" / "flink"), "run", "--detached", "--jobmanager", address),
        *("--python", str(jobs / script), "--pyFiles", str(jobs)),
        *_written(options),
    ]


def dbt(*arguments: str, work_dir: str) -> list[str]:
    """``dbt`` on our project, with its password in the environment.

    What it compiles and logs goes below ``work_dir``: two at once in one folder read each other's half-written files.
    """
    project = str(REPOSITORY / "dbt")
    own = ["--target-path", f"{work_dir}/target", "--log-path", f"{work_dir}/logs"]
    return [str(dbt_program()), *arguments, *own, "--project-dir", project, "--profiles-dir", project]


def dbt_program() -> Path:
    """The dbt of the dbt environment, started with what its profile reads from the environment."""
    return get_settings().home / "bin" / "dbt"


def superset_script(script: str, *arguments: str) -> list[str]:
    """``superset/<script>`` in the Superset environment."""
    return [str(get_settings().home / "bin" / "superset-python"), str(REPOSITORY / "superset" / script), *arguments]


def _written(options: dict[str, object]) -> list[str]:
    return [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]
