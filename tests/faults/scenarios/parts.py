"""Every part killed, and stopped for a minute, each alone in a load test of its own."""

from collections.abc import Iterator

from faults.evidence import Expected
from faults.scenarios.scenario import Scenario
from faults.scenarios.steps import GENERATOR, PARTS, Faults, Step

_IN_THE_MIDDLE = 15.0


def scenarios() -> Iterator[Scenario]:
    """One after the other."""
    for part in PARTS:
        yield Faults(id=f"kill-{part}", minutes=1, steps=[Step(_IN_THE_MIDDLE, part)])
        yield Faults(id=f"stop-{part}", minutes=2, steps=[Step(_IN_THE_MIDDLE, part, stopped_seconds=60)])
    yield Faults(id="kill-generator", minutes=2, expected=Expected.CLOSED, steps=[Step(_IN_THE_MIDDLE, GENERATOR)])
