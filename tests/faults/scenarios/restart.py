"""The whole platform goes down and up again."""

from dataclasses import dataclass
from datetime import UTC, datetime

from faults.evidence import Expected, Fault
from faults.load_test import LoadTest
from faults.platform_under_test import PlatformUnderTest
from faults.scenarios.scenario import Scenario


@dataclass(frozen=True, kw_only=True)
class DownAndUp(Scenario):
    """``make down; make up`` while events flow: the run goes on, or is closed as interrupted."""

    id: str = "down-and-up"
    minutes: float = 2
    expected: Expected = Expected.EITHER

    def inject(self, platform: PlatformUnderTest, run: LoadTest) -> list[Fault]:
        """See ``Scenario``."""
        run.sleep_until(15)
        at = datetime.now(UTC)
        platform.down()
        down = datetime.now(UTC)
        platform.up()
        named = ("interrupted", "platform", "down")
        return [Fault("platform", "make down; make up", at, down, datetime.now(UTC), named)]
