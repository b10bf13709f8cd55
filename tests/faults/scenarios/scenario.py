"""What a scenario is."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from faults.evidence import Expected, Fault
from faults.load_test import LoadTest
from faults.platform_under_test import PlatformUnderTest


@dataclass(frozen=True, kw_only=True)
class Scenario(ABC):
    """Something that goes wrong in the middle of a load test.

    Attributes:
        id: its name, for the line and for ``make faults ONLY=``.
        minutes: of the load test.
        expected: what the run may come to.
    """

    id: str
    minutes: float = 1.0
    expected: Expected = Expected.GRADED

    @abstractmethod
    def inject(self, platform: PlatformUnderTest, run: LoadTest) -> list[Fault]:
        """Do it while the run's measured events flow, and return when the parts are back, or will not be.

        Raises:
            NothingCameError: it could not be done: what it is done to was not there.
        """

    @contextmanager
    def around(self, platform: PlatformUnderTest) -> Iterator[None]:
        """What must be set up before the load test, and put back after it; by default nothing."""
        yield

    @property
    def plan(self) -> str:
        """What it is going to do."""
        return f"{self.id}: {self.minutes:g} min"

    def why_not_here(self) -> str:
        """Why this machine cannot play it; empty when it can."""
        return ""
