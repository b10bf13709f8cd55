"""The triggerer dies while what it asked to stop is stopping: its next process knows nothing of the first step."""

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from faults.evidence import Fault
from faults.load_test import DOMAIN, END_SECONDS, LoadTest
from faults.platform_under_test import PlatformUnderTest
from faults.scenarios.scenario import Scenario
from faults.scenarios.steps import BACK_SECONDS, SCORER
from faults.waiting import wait_for
from infra.local.supervision import State

from patternalarm.contracts.jobs import flink_job_id, flink_job_name

PART: Final = "airflow-triggerer"
# A stop lasts seconds; this must be much shorter.
_LOOK_SECONDS: Final = 0.02
_LOG_BYTES: Final = 65_536


def _scorer_stops(platform: PlatformUnderTest, run: LoadTest) -> bool:
    program = platform.program(run.part(SCORER))
    return program is not None and program.state is State.STOPPING


def _flink_drains(platform: PlatformUnderTest, run: LoadTest) -> bool:
    # By its log: what its REST API says of a job is as old as 3 s, and a drain may be done in one.
    job = flink_job_id(flink_job_name(DOMAIN, run.run_id))
    with (platform.settings.logs_dir / "flink-jobmanager.log").open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_BYTES))
        return f"Triggering stop-with-savepoint for job {job}".encode() in log.read()


@dataclass(frozen=True, kw_only=True)
class KillBetweenStepsOfStop(Scenario):
    """Kills the triggerer as soon as ``stopping`` is seen."""

    stopping: Callable[[PlatformUnderTest, LoadTest], bool]

    def inject(self, platform: PlatformUnderTest, run: LoadTest) -> list[Fault]:
        """See ``Scenario``."""
        run.sleep_until(run.minutes * 60)
        pid = platform.running(PART).pid
        wait_for("stop", lambda: self.stopping(platform, run), END_SECONDS, _LOOK_SECONDS)
        at = datetime.now(UTC)
        platform.send([pid], signal.SIGKILL)
        back = wait_for(
            f"working {PART}", lambda: datetime.now(UTC) if platform.works(PART, instead_of=pid) else None, BACK_SECONDS
        )
        return [Fault(PART, f"kill -9 in the middle of {self.id.removeprefix('kill-in-')}", at, at, back)]


def scenarios() -> Iterator[Scenario]:
    """The drain of Flink, and the stop of the scorer."""
    yield KillBetweenStepsOfStop(id="kill-in-flink-drain", minutes=0.5, stopping=_flink_drains)
    yield KillBetweenStepsOfStop(id="kill-in-scorer-stop", minutes=0.5, stopping=_scorer_stops)
