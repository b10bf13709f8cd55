"""The local platform: ``python -m infra.local.platform up | down | status | logs | clean``, in the services environment.

Everything runs under one supervisord, bound to ``bind_host`` of the settings. Another ``PATTERNALARM_HOME`` with other ports is
another platform beside this one. Exit codes: 0 done (``status``: all healthy), 1 something failed or is not healthy,
2 wrong settings or a busy port, before anything was started.
"""

import argparse
import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from infra.local import exposure, health, initialise, processes
from infra.local.configuration import Configuration, ensure_secrets
from infra.local.machine import REPOSITORY
from infra.local.progress import Progress, StepError
from infra.local.supervision import STANDING_STILL, PlatformSupervisor, Program, State
from rich.console import Console
from rich.table import Table

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.did_you_mean import did_you_mean
from patternalarm.engines.local.supervisor import SupervisorError
from patternalarm.settings import SettingsError, check_env_file, get_settings

PROGRAMS = tuple(health.CHECKS)
STORES = ("postgres", "kafka", "zookeeper", "redis")
HEALTHY_WITHIN_SECONDS = 300.0
STOPPED_WITHIN_SECONDS = 60.0
# A program that started this often without becoming healthy will not.
FUTILE_STARTS = 4

# Of a home, `clean` keeps what was fetched or built rather than produced by running.
KEPT_BY_CLEAN = frozenset({"jars", "uv"})


class UsageError(Exception):
    """Wrong settings or a busy port: nothing was started; the message names the remedy."""


class Platform:
    """The platform of one home."""

    def __init__(self, configuration: Configuration, progress: Progress) -> None:
        self.configuration = configuration
        self.supervisor = PlatformSupervisor(configuration)
        self.progress = progress

    @property
    def home(self) -> Path:
        """Where this platform keeps its state."""
        return self.configuration.home

    def up(self, stores_only: bool = False) -> None:
        """Bring everything, or Kafka, PostgreSQL and Redis only, up and wait until it is healthy; what is up is left alone.

        Raises:
            UsageError: a port is busy, or the settings changed under a running platform.
            StepError: something did not start or did not become healthy.
        """
        if self.supervisor.is_running():
            self._check_settings_unchanged()
        else:
            self._start_supervisor()
        with ThreadPoolExecutor(8) as pool:
            works = [pool.submit(self._bring_up_kafka), pool.submit(self._bring_up, "redis")]
            if not stores_only:
                works.append(pool.submit(self.bring_up_flink))
            self._bring_up_postgres()
            if not stores_only:
                works.append(pool.submit(self._bring_up_airflow))
                works.append(pool.submit(self._bring_up, "api"))
                works.append(pool.submit(self._bring_up_superset))
            for work in works:
                work.result()
        self.progress.say(
            "Kafka, PostgreSQL and Redis are up and healthy"
            if stores_only
            else f"everything is up and healthy: Airflow {self.configuration.settings.airflow_url}"
        )

    def bring_up_flink(self) -> None:
        """Bring Flink and its ZooKeeper up under a supervisor that runs, and wait until they are healthy.

        Raises:
            StepError: one of them did not become healthy.
        """
        self._bring_up("zookeeper", "flink-jobmanager", "flink-taskmanager")

    def down(self) -> None:
        """Stop everything, runs' processes first and the stores last, and make sure that no process is left.

        Raises:
            StepError: a process could not be ended.
        """
        if self.supervisor.is_running():
            programs = self.supervisor.programs()
            running = [name for name, program in programs.items() if program.state not in STANDING_STILL]
            with self.progress.step("stopping what works", "jobs, Airflow, Superset and Flink stopped"):
                self.supervisor.stop([name for name in running if name not in STORES], STOPPED_WITHIN_SECONDS)
            with self.progress.step("stopping the stores", "the stores stopped"):
                self.supervisor.stop([name for name in running if name in STORES], STOPPED_WITHIN_SECONDS)
            self.supervisor.shut_down()
            deadline = time.monotonic() + STOPPED_WITHIN_SECONDS
            while self.supervisor.is_running() and time.monotonic() < deadline:
                time.sleep(0.1)
            self._await_end(5.0)
        else:
            self.progress.say("the supervisor is not running")
        self._end_orphans()
        self._forget_runs()
        left = processes.supervised(self.home)
        if left:
            raise StepError("still running: " + ", ".join(f"{process.pid} {process.short}" for process in left))
        self.progress.say("no process is left")

    def clean(self) -> None:
        """Stop, and remove all state: data, models, reports, logs and passwords; environments and jars stay."""
        self.down()
        stores = self.configuration.postgres_directory
        shutil.rmtree(stores if stores.is_relative_to(self.home) else stores.parent, ignore_errors=True)
        for entry in sorted(self.home.iterdir()):
            is_another_home = (entry / "secrets.env").exists()
            if is_another_home or (entry.name in KEPT_BY_CLEAN and not entry.is_symlink()):
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        self.progress.say(f"removed the state under {self.home}")

    def statuses(self) -> list[tuple[Program, str]]:
        """Every program with why it is unhealthy; empty = healthy, ``-`` = there is no check of its own."""
        programs = self.supervisor.programs()
        with ThreadPoolExecutor(len(PROGRAMS)) as pool:
            answers = {name: pool.submit(self._why_unhealthy, name, programs[name]) for name in PROGRAMS}
        rows = [(programs[name], answer.result()) for name, answer in answers.items()]
        return rows + [(program, "-") for name, program in sorted(programs.items()) if name not in PROGRAMS]

    def _why_unhealthy(self, name: str, program: Program) -> str:
        why = self._complaint(name, program)
        full = health.lack_of_space(name, self.configuration) if why else ""
        return f"{full} ({why})" if full else why

    def _complaint(self, name: str, program: Program) -> str:
        if program.state not in (State.RUNNING, State.STARTING):
            return f"{program.state}: {program.description}"
        try:
            health.CHECKS[name](self.configuration)
        except health.Unhealthy as why:
            return str(why)
        return ""

    def _check_settings_unchanged(self) -> None:
        changed = self.configuration.changed()
        if changed:
            names = ", ".join(str(path.relative_to(self.home)) for path in changed)
            raise UsageError(
                f"the settings or the code changed since this platform was started ({names}); run: make down up"
            )

    def _start_supervisor(self) -> None:
        self._end_orphans()
        self._check_ports()
        self._forget_runs()
        self.configuration.write()
        with self.progress.step("supervisor"):
            self.supervisor.start_daemon()

    def _check_ports(self) -> None:
        ports = self.configuration.ports()
        twice = {port for port in ports.values() if list(ports.values()).count(port) > 1}
        if twice:
            names = ", ".join(f"PATTERNALARM_{name.upper()}" for name, port in ports.items() if port in twice)
            raise UsageError(f"these settings share one port: {names}; give each its own")
        busy = []
        for name, port in ports.items():
            if not processes.is_free(self.configuration.settings.bind_host, port):
                holder = processes.holder_of(port)
                by = f"process {holder.pid} ({holder.short})" if holder else "a process of another user"
                busy.append(
                    f"port {port} is in use by {by}; stop it, or choose another port: "
                    f"PATTERNALARM_{name.upper()}=<port> make up"
                )
        if busy:
            raise UsageError("\n".join(busy))

    def _forget_runs(self) -> None:
        for file in [*self.configuration.run_directory.glob("*.conf"), *self.configuration.ready_directory.glob("*")]:
            file.unlink()

    def _await_end(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while processes.supervised(self.home) and time.monotonic() < deadline:
            time.sleep(0.2)

    def _end_orphans(self) -> None:
        orphans = processes.supervised(self.home)
        if not orphans:
            return
        pids = ", ".join(str(orphan.pid) for orphan in orphans)
        self.progress.say(f"ending {len(orphans)} processes that outlived their supervisor: {pids}")
        for killed in processes.end(orphans, grace_seconds=10.0):
            self.progress.say(f"killed {killed.pid}, which did not stop when asked: {killed.short}")
        self._await_end(5.0)

    def _bring_up(self, *names: str) -> None:
        for name in names:
            self.supervisor.start(name)
        for name in names:
            self._wait_until_healthy(name)

    def _bring_up_kafka(self) -> None:
        initialise.kafka_storage(self.configuration, self.progress)
        self._bring_up("kafka")

    def _bring_up_postgres(self) -> None:
        initialise.postgres_data(self.configuration, self.progress)
        self._bring_up("postgres")
        initialise.roles(self.configuration, self.progress)
        initialise.schema(self.configuration, self.progress)

    def _bring_up_airflow(self) -> None:
        initialise.airflow(self.configuration, self.progress)
        self._bring_up(*(name for name in PROGRAMS if name.startswith("airflow-")))

    def _bring_up_superset(self) -> None:
        initialise.superset(self.configuration, self.progress)
        self._bring_up("superset")

    def _wait_until_healthy(self, name: str) -> None:
        deadline = time.monotonic() + HEALTHY_WITHIN_SECONDS
        starts: set[int] = set()
        with self.progress.step(name, f"{name} healthy"):
            while True:
                program = self.supervisor.programs()[name]
                starts.add(program.pid)
                why = self._why_unhealthy(name, program)
                if not why:
                    return
                gave_up = program.state is State.FATAL or len(starts) > FUTILE_STARTS
                if gave_up or time.monotonic() > deadline:
                    raise StepError(f"{name} is not healthy: {why}{self._end_of_log(name)}")
                time.sleep(0.3)

    def _end_of_log(self, name: str) -> str:
        log = self.home / "logs" / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines()[-10:] if log.is_file() else []
        return f"; the end of {log}:\n" + "\n".join(f"    {line}" for line in lines)


@contextmanager
def exclusively(home: Path) -> Iterator[None]:
    """Only one of up, down and clean at a time.

    Raises:
        UsageError: another one is at work.
    """
    (home / "supervisor").mkdir(parents=True, exist_ok=True)
    with (home / "supervisor" / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError("another `make up`, `down` or `clean` of this platform is at work; wait for it") from error
        yield


def load_configuration() -> Configuration:
    """The configuration of the platform that the environment names.

    Raises:
        UsageError: a setting is wrong; the message names it.
    """
    home = Path(os.environ.get("PATTERNALARM_HOME", REPOSITORY / ".local")).absolute()
    ensure_secrets(home)
    try:
        check_env_file(REPOSITORY / ".env")
        return Configuration(get_settings())
    except SettingsError as error:
        raise UsageError(str(error)) from error


def refuse_exposure(host: str) -> None:
    """See that the platform listens on this machine alone.

    Raises:
        UsageError: it does not; the message tells what to set.
    """
    if why := exposure.why_exposed(host):
        raise UsageError(why)


def show_status(platform: Platform) -> int:
    """Print the table; 0 when everything that belongs to the platform is healthy."""
    console = Console(width=None if sys.stdout.isatty() else 120)
    if not platform.supervisor.is_running():
        console.print(f"The platform under {platform.home} is down; start it with: make up")
        return ExitCode.FAILED
    table = Table(title=f"PatternAlarm, {platform.home}")
    for heading, justify in (("name", "left"), ("state", "left"), ("healthy", "left"), ("since (UTC)", "left")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    for heading in ("memory (PSS)", "resident", "processes"):
        table.add_column(heading, justify="right")
    total = 0
    all_healthy = True
    for program, why in platform.statuses():
        pids = processes.tree(program.pid) if program.pid else []
        proportional, resident = processes.memory_bytes(pids)
        total += proportional
        all_healthy = all_healthy and why in ("", "-")
        since = datetime.fromtimestamp(program.started, UTC).strftime("%m-%d %H:%M:%S") if program.pid else ""
        table.add_row(
            program.name,
            program.state.lower(),
            "[green]yes[/]" if not why else why if why == "-" else f"[red]no[/]: {why}",
            since,
            f"{proportional / 2**20:.0f} MiB",
            f"{resident / 2**20:.0f} MiB",
            str(len(pids)),
        )
    table.add_section()
    table.add_row("together", "", "", "", f"{total / 2**20:.0f} MiB", "", "")
    console.print(table)
    return 0 if all_healthy else 1


def show_logs(platform: Platform, name: str, lines: int, follow: bool) -> int:
    """Print the last lines of a program's or a run's process's log, then new ones as they come when following."""
    directory = platform.home / "logs"
    logs = {path.stem: path for path in [*directory.glob("jobs/*.log"), *directory.glob("*.log")]}
    if not name:
        raise UsageError(f"no log is named: use make logs S=<one of {', '.join(sorted(logs)) or 'none yet'}>")
    if name not in logs:
        raise UsageError(did_you_mean("log", name, sorted(logs)))
    path = logs[name]
    with path.open(errors="replace") as log:
        sys.stdout.writelines(log.readlines()[-lines:])
        sys.stdout.flush()
        while follow:
            line = log.readline()
            if line:
                sys.stdout.write(line)
                sys.stdout.flush()
            else:
                time.sleep(0.3)
    return 0


def confirmed(home: Path) -> bool:
    """Whether the user means to remove all state."""
    if os.environ.get("YES") == "1":
        return True
    if not sys.stdin.isatty():
        raise UsageError("clean removes all data, models and reports: confirm with make clean YES=1")
    sys.stdout.write(f"Remove all data, models, reports, logs and passwords under {home}? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked for."""
    with Progress() as progress:
        platform = Platform(load_configuration(), progress)
        if arguments.action in ("up", "status"):
            refuse_exposure(platform.configuration.settings.bind_host)
        if arguments.action == "status":
            return show_status(platform)
        if arguments.action == "logs":
            return show_logs(platform, arguments.name, arguments.lines, arguments.follow)
        if arguments.action == "clean" and not confirmed(platform.home):
            return ExitCode.FAILED
        with exclusively(platform.home):
            if arguments.action == "up":
                platform.up(arguments.stores)
            elif arguments.action == "down":
                platform.down()
            else:
                platform.clean()
    return 0


def main(argv: list[str] | None = None) -> int:
    """Command line."""
    parser = ArgumentParser(prog="infra.local.platform", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    up = actions.add_parser("up")
    up.add_argument("--stores", action="store_true", help="Kafka, PostgreSQL and Redis only, with roles and schema")
    for name in ("down", "status", "clean"):
        actions.add_parser(name)
    logs = actions.add_parser("logs")
    logs.add_argument("name", nargs="?", default="", help="a program, like kafka")
    logs.add_argument("--lines", type=int, default=200)
    logs.add_argument("--follow", action="store_true")
    try:
        return run(parser.parse_args(argv))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_INPUT
    except (StepError, SupervisorError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
