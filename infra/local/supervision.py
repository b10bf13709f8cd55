"""supervisord of the local platform, and the programs under it."""

import subprocess
import time
import xmlrpc.client
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from infra.local.configuration import Configuration
from infra.local.progress import StepError

from patternalarm.engines.local.supervisor import Supervisor

IDENTIFIER = "patternalarm"


class State(StrEnum):
    """States of a process, as supervisord names them."""

    STOPPED = "STOPPED"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    BACKOFF = "BACKOFF"
    STOPPING = "STOPPING"
    EXITED = "EXITED"
    FATAL = "FATAL"
    UNKNOWN = "UNKNOWN"


STANDING_STILL = frozenset({State.STOPPED, State.EXITED, State.FATAL, State.UNKNOWN})


@dataclass(frozen=True)
class Program:
    """A supervised process: its name, state, process id (0 = none) and start (seconds since the epoch)."""

    name: str
    state: State
    pid: int
    started: int
    description: str


class PlatformSupervisor:
    """The supervisor of one platform.

    Raises, each method that asks it: ``SupervisorError`` when it cannot be reached.
    """

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._supervisor = Supervisor(configuration.settings)

    def is_running(self) -> bool:
        """Whether our supervisor answers; another program on its port does not count."""
        return self._supervisor.identifies_as(IDENTIFIER)

    def start_daemon(self) -> None:
        """Start supervisord and wait until it answers.

        Raises:
            StepError: it did not start.
        """
        configuration = self._configuration
        command = [
            str(configuration.settings.python("services")),
            "-m",
            "supervisor.supervisord",
            "-c",
            str(configuration.supervisor_file),
        ]
        started = subprocess.run(
            command,
            env=configuration.supervised_environment(),
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if started.returncode != 0:
            raise StepError(f"supervisord did not start: {(started.stdout + started.stderr).strip()}")
        deadline = time.monotonic() + 15
        while not self.is_running():
            if time.monotonic() > deadline:
                raise StepError(f"supervisord does not answer; see {configuration.home}/logs/supervisord.log")
            time.sleep(0.1)

    def programs(self) -> dict[str, Program]:
        """Every supervised process by name, those of runs included."""
        programs = {}
        for info in self._supervisor.call("getAllProcessInfo"):
            group, name = str(info["group"]), str(info["name"])
            full = name if group == name else f"{group}:{name}"
            programs[full] = Program(
                name=full,
                state=State(info["statename"]),
                pid=int(info["pid"]),
                started=int(info["start"]),
                description=str(info["description"]),
            )
        return programs

    def start(self, name: str) -> None:
        """Start a program that stands still; a running one is left alone.

        Raises:
            StepError: the supervisor refused.
        """
        if self.programs()[name].state not in STANDING_STILL:
            return
        try:
            self._supervisor.call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if "ALREADY_STARTED" not in fault.faultString:
                raise StepError(f"{name} did not start: {fault.faultString}") from fault

    def stop(self, names: Iterable[str], timeout_seconds: float) -> None:
        """Stop programs side by side and wait for them; the supervisor kills those that do not obey in their time."""
        waiting = set(names)
        for name in waiting:
            try:
                self._supervisor.call("stopProcess", name, False)
            except xmlrpc.client.Fault as fault:
                if "NOT_RUNNING" not in fault.faultString:
                    raise StepError(f"{name} could not be stopped: {fault.faultString}") from fault
        deadline = time.monotonic() + timeout_seconds
        while waiting and time.monotonic() < deadline:
            time.sleep(0.2)
            programs = self.programs()
            waiting = {name for name in waiting if name in programs and programs[name].state not in STANDING_STILL}

    def shut_down(self) -> None:
        """End supervisord itself, with whatever still runs under it."""
        self._supervisor.call("shutdown")
