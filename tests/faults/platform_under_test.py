"""The platform that faults are done to: its parts and their processes, its health, and what a run may leave in it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx
import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from faults.waiting import NothingCameError, wait_for
from infra.local import health, processes
from infra.local.configuration import Configuration
from infra.local.machine import REPOSITORY
from infra.local.platform import Platform
from infra.local.progress import Progress
from infra.local.supervision import PlatformSupervisor, Program, State

from patternalarm.contracts.airflow_users import ADMIN_USER
from patternalarm.contracts.tables import CONSUMER_OFFSET, LEASE, PLATFORM_ROLE
from patternalarm.engines.local.processes import SupervisedProcesses
from patternalarm.engines.local.supervisor import SupervisorError
from patternalarm.settings import Settings
from patternalarm.watching.surroundings import AirflowHeartbeats

ANSWER_SECONDS: Final = 30
# Some engines let go a moment after they were asked to: a topic's deletion, a JVM's exit.
LETTING_GO_SECONDS: Final = 30
# A teardown waits for what it stops.
CLOSING_SECONDS: Final = 180

# Of Flink's folder, what is not made by jobs.
_NOT_OF_JOBS: Final = frozenset({"tmp", "log", "pid", "lib", "conf"})
_JOB_ID: Final = re.compile(r"[0-9a-f]{32}")


class PlatformUnderTest:
    """One platform, by its settings.

    Args:
        settings: of the platform; the environment of this process must say the same.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.configuration = Configuration(settings)
        self.supervisor = PlatformSupervisor(self.configuration)
        self._processes = SupervisedProcesses(settings)
        self._heartbeats = AirflowHeartbeats(settings)
        self._local = Platform(self.configuration, Progress(sys.stderr))

    def up(self) -> None:
        """``make up``: start what stands still, return when everything is healthy."""
        self._platform("up")

    def down(self) -> None:
        """``make down``."""
        self._platform("down")

    def status(self) -> str:
        """What ``make status`` says of each program, without its table, which breaks lines."""
        return "\n".join(f"{program.name}: {why}" for program, why in self._local.statuses())

    def program(self, name: str) -> Program | None:
        """A supervised program; None when there is none of that name."""
        return self.supervisor.programs().get(name)

    def running(self, name: str) -> Program:
        """The program, as soon as it runs.

        Raises:
            NothingCameError: it does not run.
        """

        def look() -> Program | None:
            program = self.program(name)
            return program if program and program.pid and program.state is State.RUNNING else None

        return wait_for(f"running {name}", look, ANSWER_SECONDS)

    def send(self, pids: Iterable[int], number: signal.Signals) -> None:
        """Send a signal to each process that still is there."""
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue

    def works(self, name: str, instead_of: int = 0) -> bool:
        """Whether the program runs, not as process ``instead_of`` any more, and answers or says that it is ready."""
        program = self.program(name)
        if not program or program.state is not State.RUNNING or program.pid in (0, instead_of):
            return False
        if name not in health.CHECKS:
            return self._processes.is_ready(name)
        try:
            health.CHECKS[name](self.configuration)
            beats = self._heartbeats()
        except (health.Unhealthy, LookupError, httpx.HTTPError, ValueError):
            return False
        # Airflow calls a process healthy by what the one before it reported last.
        return name not in beats or beats[name] >= program.started

    def unhealthy(self) -> list[str]:
        """Every program of the platform that is not able to work, with the reason, once they had time to recover."""

        def look() -> list[str]:
            programs = self.supervisor.programs()
            return [name for name in health.CHECKS if name not in programs or not self.works(name)]

        try:
            wait_for("healthy platform", lambda: not look(), LETTING_GO_SECONDS)
        except NothingCameError:
            return [f"{name} is {self._described(name)}" for name in look()]
        return []

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows, by a connection of their own: PostgreSQL may have died since the last one."""
        dsn = self.settings.dsn(PLATFORM_ROLE, self.settings.platform_password)
        with psycopg.connect(dsn, autocommit=True, connect_timeout=ANSWER_SECONDS) as connection:
            return connection.execute(sql.encode(), parameters).fetchall()

    def end_runs(self) -> None:
        """Mark every DAG run that still runs as failed, and return when its teardown has closed it."""

        def runs() -> list[dict[str, Any]]:
            found = [self._airflow("GET", f"/dags/~/dagRuns?state={state}") for state in ("queued", "running")]
            return [run for answer in found for run in answer["dag_runs"]]

        for run in runs():
            path = f"/dags/{run['dag_id']}/dagRuns/{quote(run['dag_run_id'])}"
            self._airflow("PATCH", path, {"state": "failed"})
        wait_for("end of all runs", lambda: not runs(), CLOSING_SECONDS)

    def flink(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """What Flink's REST API answers; a ``body`` is posted.

        Raises:
            httpx.HTTPError: it does not answer.
        """
        return _answer("GET" if body is None else "POST", self.settings.flink_url + path, body)

    def flink_jobs(self, run_id: str) -> list[str]:
        """Ids of the run's Flink jobs that have not ended."""
        jobs = self.flink("/jobs/overview")["jobs"]
        ended = ("FAILED", "CANCELED", "FINISHED")
        return [job["jid"] for job in jobs if job["name"].endswith(run_id) and job["state"] not in ended]

    def flink_files(self) -> set[str]:
        """What jobs made below Flink's own folders: checkpoints, savepoints, what a JobManager must know of them."""
        root = self.settings.home.absolute() / "flink"
        kinds = [folder for folder in root.iterdir() if folder.is_dir() and folder.name not in _NOT_OF_JOBS]
        # What vanishes meanwhile is passed over by `walk`. Folders of the cluster stay, empty.
        walked = [(Path(place), folders, files) for kind in kinds for place, folders, files in os.walk(kind)]
        return {
            str((place / name).relative_to(root))
            for place, folders, files in walked
            for name in (*files, *filter(_JOB_ID.search, folders))
        }

    def left_of(self, run_id: str, flink_files_before: set[str]) -> list[str]:
        """Whatever a run that ended has left, in words, once everything had time to let go."""
        try:
            wait_for("end of all", lambda: not self._left(run_id, flink_files_before), LETTING_GO_SECONDS, 1)
        except NothingCameError:
            return self._left(run_id, flink_files_before)
        return []

    def _left(self, run_id: str, flink_files_before: set[str]) -> list[str]:
        looks: dict[str, Callable[[], list[str]]] = {
            "program": lambda: [name for name in self.supervisor.programs() if name.startswith(run_id)],
            "process": lambda: self._left_processes(run_id),
            "Flink job": lambda: self.flink_jobs(run_id),
            "file": lambda: [*self._left_files(run_id), *sorted(self.flink_files() - flink_files_before)],
            "topic": lambda: self._left_topics(run_id),
            "row": lambda: self._left_rows(run_id),
        }
        left = []
        for what, look in looks.items():
            try:
                left += [f"{what} {name}" for name in look()]
            except (OSError, httpx.HTTPError, psycopg.Error, KafkaException, SupervisorError) as error:
                left.append(f"{what} or none, it cannot be asked for: {error}")
        return left

    def _left_files(self, run_id: str) -> list[str]:
        home = self.settings.home.absolute()
        found = [*(home / "supervisor" / "run.d").glob(f"{run_id}*"), *self.settings.runs_dir.glob(run_id)]
        return [str(path.relative_to(home)) for path in found]

    def _left_topics(self, run_id: str) -> list[str]:
        client = AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap, "log_level": 0})
        return sorted(topic for topic in client.list_topics(timeout=ANSWER_SECONDS).topics if run_id in topic)

    def _left_rows(self, run_id: str) -> list[str]:
        held = self.query(f"SELECT 1 FROM {LEASE} WHERE run_id = %s AND released_at IS NULL", run_id)
        kept = self.query(f"SELECT 1 FROM {CONSUMER_OFFSET} WHERE scope = %s", run_id)
        return [*(["of the lease"] if held else []), *(["of the alert writer's offsets"] if kept else [])]

    def _left_processes(self, run_id: str) -> list[str]:
        home = self.settings.home.absolute()
        daemon = int((home / "supervisor" / "supervisord.pid").read_text())
        ours = set(processes.tree(daemon))
        found = processes.supervised(home)
        orphans = [f"{process.pid} without a parent: {process.short}" for process in found if process.pid not in ours]
        of_run = [process for process in found if process.pid in ours and run_id in process.command]
        return [*orphans, *(f"{process.pid} {process.short}" for process in of_run)]

    def _airflow(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        login = {"username": ADMIN_USER, "password": self.settings.airflow_admin_password}
        token = _answer("POST", f"{self.settings.airflow_url}/auth/token", login)["access_token"]
        return _answer(method, f"{self.settings.airflow_url}/api/v2{path}", body, {"Authorization": f"Bearer {token}"})

    def _described(self, name: str) -> str:
        program = self.program(name)
        return f"{program.state.lower()}: {program.description}" if program else "unknown to the supervisor"

    def _platform(self, action: str) -> None:
        subprocess.run(_module("infra.local.platform", action), cwd=REPOSITORY, check=True, stdout=sys.stderr)


def _answer(method: str, url: str, body: dict[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Any:
    # Never through a proxy of the caller's shell: everything is on this machine.
    answer = httpx.request(method, url, json=body, headers=headers, timeout=ANSWER_SECONDS, trust_env=False)
    return answer.raise_for_status().json()


def _module(name: str, *arguments: str) -> list[str]:
    return [str(REPOSITORY / ".venvs" / "services" / "bin" / "python"), "-m", name, *arguments]


def command_line(*arguments: str) -> list[str]:
    """The command of a user: ``patternalarm.cli`` with these arguments."""
    return _module("patternalarm.cli", *arguments)


def results_directory() -> Path:
    """Where what the load tests said is kept, a file per scenario."""
    directory = REPOSITORY / ".local" / "test-results" / "faults"
    directory.mkdir(parents=True, exist_ok=True)
    return directory
