"""Kills and stops of parts at seconds of a load test."""

import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from time import sleep
from typing import Final

from faults.evidence import Fault
from faults.load_test import LoadTest
from faults.platform_under_test import PlatformUnderTest
from faults.scenarios.scenario import Scenario
from faults.waiting import NothingCameError, wait_for
from infra.local import processes

from patternalarm.contracts.jobs import ProcessKind

SCORER: Final = ProcessKind.SCORER.value
ALERT_WRITER: Final = ProcessKind.ALERT_WRITER.value
ONLINE_STORE: Final = ProcessKind.ONLINE_STORE.value
GENERATOR: Final = f"{ProcessKind.GENERATOR.value}-0"
OF_RUN: Final = (SCORER, ALERT_WRITER, ONLINE_STORE)

PARTS: Final = (
    "postgres",
    "kafka",
    "redis",
    "zookeeper",
    "flink-jobmanager",
    "flink-taskmanager",
    SCORER,
    ALERT_WRITER,
    ONLINE_STORE,
    "airflow-scheduler",
    "airflow-triggerer",
    "airflow-dag-processor",
)

# Until a part that was hit must work again; longer than any check of a promise allows, so that the check tells it.
BACK_SECONDS: Final = 180


@dataclass(frozen=True)
class Step:
    """One fault: at this second of the measured events, this part is killed, or stopped for some seconds."""

    second: float
    part: str
    stopped_seconds: float = 0.0

    @property
    def what(self) -> str:
        """What is done."""
        return f"SIGSTOP {self.stopped_seconds:.0f} s" if self.stopped_seconds else "kill -9"

    def __str__(self) -> str:
        return f"{self.what} of {self.part} at {self.second:.0f} s"

    def do(self, platform: PlatformUnderTest, run: LoadTest) -> Fault:
        """Wait for the second, do it, and return when the part works again or had its time.

        Killed is the process that the supervisor started, as by `kill -9` of the pid that `make status` knows: what it
        had started lives on or notices. Of the scorer, whose work is done by its JVM, the JVM is killed too. Stopped is
        everything beneath the process as well: a database whose backends go on is not stopped.
        """
        name = run.part(self.part) if self.part in (*OF_RUN, GENERATOR) else self.part
        run.sleep_until(self.second)
        pid = platform.running(name).pid
        with_children = bool(self.stopped_seconds) or self.part == SCORER
        pids = processes.tree(pid) if with_children else [pid]
        at = datetime.now(UTC)
        if self.stopped_seconds:
            try:
                platform.send(pids, signal.SIGSTOP)
                sleep(self.stopped_seconds)
            finally:
                platform.send(pids, signal.SIGCONT)
        else:
            platform.send(pids, signal.SIGKILL)
        released = datetime.now(UTC)
        back = self._await_back(platform, name, killed=0 if self.stopped_seconds else pid)
        return Fault(self.part, self.what, at, released, back)

    def _await_back(self, platform: PlatformUnderTest, name: str, killed: int) -> datetime | None:
        if self.part == GENERATOR:
            # Its events cannot be told from lost ones, so nobody starts it again.
            return None

        def look() -> datetime | None:
            if platform.works(name, instead_of=killed):
                return datetime.now(UTC)
            # A job of a run that is over is back as far as it ever will be.
            return datetime.now(UTC) if self.part in OF_RUN and platform.program(name) is None else None

        try:
            return wait_for(f"working {name}", look, BACK_SECONDS)
        except NothingCameError:
            return None


@dataclass(frozen=True, kw_only=True)
class Faults(Scenario):
    """Faults at their seconds, each with its own clock, so that they may overlap."""

    steps: Sequence[Step]

    @property
    def plan(self) -> str:
        """See ``Scenario``."""
        return f"{super().plan}; {', '.join(str(step) for step in self.steps)}"

    def inject(self, platform: PlatformUnderTest, run: LoadTest) -> list[Fault]:
        """See ``Scenario``."""
        with ThreadPoolExecutor(len(self.steps)) as pool:
            doing = [pool.submit(step.do, platform, run) for step in self.steps]
            return [done.result() for done in doing]
