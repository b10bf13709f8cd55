"""The TaskManager dies while a checkpoint is being written."""

import signal
from dataclasses import dataclass
from datetime import UTC, datetime

from faults.evidence import Fault
from faults.load_test import LoadTest
from faults.platform_under_test import PlatformUnderTest
from faults.scenarios.scenario import Scenario
from faults.scenarios.steps import BACK_SECONDS
from faults.waiting import wait_for

PART = "flink-taskmanager"


@dataclass(frozen=True, kw_only=True)
class KillDuringCheckpoint(Scenario):
    """Asks for checkpoints until one is seen in progress, and kills the TaskManager at that moment."""

    id: str = "kill-during-checkpoint"

    def inject(self, platform: PlatformUnderTest, run: LoadTest) -> list[Fault]:
        """See ``Scenario``."""
        run.sleep_until(15)
        (job,) = platform.flink_jobs(run.run_id)
        pid = platform.running(PART).pid

        def in_progress() -> bool:
            platform.flink(f"/jobs/{job}/checkpoints", body={})
            return bool(platform.flink(f"/jobs/{job}/checkpoints")["counts"]["in_progress"])

        wait_for("checkpoint in progress", in_progress, 30, interval=0)
        at = datetime.now(UTC)
        platform.send([pid], signal.SIGKILL)
        back = wait_for(
            f"working {PART}", lambda: datetime.now(UTC) if platform.works(PART, instead_of=pid) else None, BACK_SECONDS
        )
        return [Fault(PART, "kill -9 during a checkpoint", at, at, back)]
