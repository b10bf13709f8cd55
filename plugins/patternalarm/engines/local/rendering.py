"""Command lines of jobs on this machine: which environment's program runs which of our files."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.settings import REPOSITORY, Settings


def command_of(job: JobSpec, settings: Settings, ready_file: Path) -> list[str]:
    """Program and arguments of ``job``; one that tells when it is ready makes ``ready_file``."""
    ready = ["--ready-file", str(ready_file)] if job.tells_ready else []
    return [*_PROGRAMS[job.program](job, settings), *ready]


def dbt_program(settings: Settings) -> Path:
    """The dbt of the dbt environment, started with what its profile reads from the environment."""
    return settings.home / "bin" / "dbt"


def _service(job: JobSpec, settings: Settings) -> list[str]:
    return [str(settings.python("services")), "-m", f"patternalarm.{job.module}", *job.arguments()]


def _spark(job: JobSpec, settings: Settings) -> list[str]:
    return [str(settings.python("spark")), str(REPOSITORY / "spark_jobs" / f"{job.module}.py"), *job.arguments()]


def _flink(job: JobSpec, settings: Settings) -> list[str]:
    jobs = REPOSITORY / "flink_jobs"
    return [
        *(str(settings.home / "bin" / "flink"), "run", "--detached", "--jobmanager", str(settings.address("flink"))),
        *("--python", str(jobs / f"{job.module}.py"), "--pyFiles", str(jobs)),
        *job.arguments(),
    ]


def _dbt(job: JobSpec, settings: Settings) -> list[str]:
    project = str(REPOSITORY / "dbt")
    return [
        *(str(dbt_program(settings)), job.module, *job.arguments()),
        *("--project-dir", project, "--profiles-dir", project),
    ]


def _superset(job: JobSpec, settings: Settings) -> list[str]:
    script = str(REPOSITORY / "superset" / f"{job.module}.py")
    return [str(settings.home / "bin" / "superset-python"), script, *job.arguments()]


_PROGRAMS: Final[dict[Program, Callable[[JobSpec, Settings], list[str]]]] = {
    Program.SERVICE: _service,
    Program.SPARK: _spark,
    Program.FLINK: _flink,
    Program.DBT: _dbt,
    Program.SUPERSET: _superset,
}
