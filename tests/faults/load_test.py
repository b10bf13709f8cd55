"""A load test, started as users do, and found in the platform's tables."""

import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from faults.platform_under_test import PlatformUnderTest, command_line, results_directory
from faults.waiting import NothingCameError, wait_for
from infra.local.machine import REPOSITORY

from patternalarm.cli.airflow_api import AirflowApi
from patternalarm.cli.errors import AirflowError
from patternalarm.contracts.runs import EVENTS_PER_MINUTE, Level, RunKind
from patternalarm.contracts.tables import RUN, SHARD_LEDGER
from patternalarm.passing_errors import passes_by_itself

DOMAIN: Final = "payments"
DAG_ID: Final = "run_load_test"
SEED: Final = 4711

# With the training of a missing model, which took 731 s beside another platform's.
START_SECONDS: Final = 1500
# Beyond its minutes: drain, grading, teardown, and a patience of ten minutes with what does not come back.
END_SECONDS: Final = 960


@dataclass(frozen=True)
class LoadTest:
    """A load test whose measured events flow.

    Attributes:
        run_id: our id of it.
        airflow_run_id: Airflow's.
        began: when its first measured event is due.
        minutes: for how long they are.
        process: the command line that follows it.
        name: of its scenario, by which its output is kept.
    """

    run_id: str
    airflow_run_id: str
    began: datetime
    minutes: float
    process: subprocess.Popen[bytes]
    name: str

    @property
    def events(self) -> int:
        """Measured events that were asked for."""
        return round(EVENTS_PER_MINUTE[Level.NORMAL] * self.minutes)

    @property
    def due_until(self) -> datetime:
        """When its last measured event is due."""
        return self.began + timedelta(minutes=self.minutes)

    @property
    def output(self) -> str:
        """What the command line has said so far."""
        return (results_directory() / f"{self.name}.log").read_text(errors="replace")

    def sleep_until(self, second: float) -> None:
        """Return at this second of the measured events."""
        time.sleep(max(0.0, (self.began + timedelta(seconds=second) - datetime.now(UTC)).total_seconds()))

    def part(self, kind: str) -> str:
        """The supervisor's name of one of the run's processes."""
        return f"{self.run_id}.{kind}"


def start(platform: PlatformUnderTest, name: str, minutes: float) -> LoadTest:
    """Start a load test and return when its measured events are due.

    Raises:
        NothingCameError: it ended before, or did not come so far.
    """
    asked_at = datetime.now(UTC)
    arguments = ["--domain", DOMAIN, "--level", Level.NORMAL, "--minutes", f"{minutes:g}", "--seed", str(SEED)]
    # What is beside detection excuses no delay, and how fast this machine is was not asked.
    arguments.append("--no-strict")
    with (results_directory() / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command_line("load-test", *arguments), cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT
        )

    def look() -> LoadTest | None:
        if process.poll() is not None:
            raise NothingCameError(f"the load test ended with {process.returncode}: see {log.name}")
        rows = platform.query(
            f"SELECT run_id, airflow_run_id, measured_until FROM {RUN} WHERE kind = %s AND requested_at >= %s"
            f" AND EXISTS (SELECT 1 FROM {SHARD_LEDGER} s WHERE s.run_id = {RUN}.run_id AND phase = 'measured')",
            RunKind.LOAD_TEST.value,
            asked_at,
        )
        if not rows:
            return None
        ((run_id, airflow_run_id, until),) = rows
        return LoadTest(run_id, airflow_run_id, until - timedelta(minutes=minutes), minutes, process, name)

    return wait_for("measured events", look, START_SECONDS)


def await_end(platform: PlatformUnderTest, run: LoadTest) -> tuple[int | None, str]:
    """Wait for the end of the command line and of the DAG run; its exit code (None = it had to be killed) and the DAG
    run's state."""
    patience_ends = time.monotonic() + run.minutes * 60 + END_SECONDS
    try:
        exit_code = run.process.wait(run.minutes * 60 + END_SECONDS)
    except subprocess.TimeoutExpired:
        run.process.kill()
        run.process.wait()
        exit_code = None
    # Whoever follows a run may give up before it ends; what it leaves is judged when it did.
    api = AirflowApi(platform.settings)

    def ended() -> str | None:
        try:
            state = api.run_state(DAG_ID, run.airflow_run_id)
        except AirflowError:
            return None
        return state if state in ("success", "failed") else None

    try:
        return exit_code, wait_for("end of the DAG run", ended, max(1.0, patience_ends - time.monotonic()), 1)
    except NothingCameError:
        return exit_code, "running"


def asked_patiently(platform: PlatformUnderTest, sql: str, *parameters: object) -> list[tuple[object, ...]]:
    """Rows from a PostgreSQL that may be on its way back."""

    def look() -> list[list[tuple[object, ...]]]:
        try:
            return [platform.query(sql, *parameters)]
        except psycopg.Error as error:
            if not passes_by_itself(error):
                raise
            return []

    return wait_for("answer of PostgreSQL", look, 120)[0]
