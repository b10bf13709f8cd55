"""Faults that nobody thought of: drawn over parts and seconds from a seed."""

import random
from collections.abc import Iterator
from typing import Final

from faults.scenarios.scenario import Scenario
from faults.scenarios.steps import PARTS, Faults, Step

MINUTES: Final = 1.5
_FIRST_SECOND, _LAST_SECOND = 5, 65
_FAULTS: Final = (2, 4)
_STOPPED_SECONDS: Final = (2, 30)


def draw(seed: int, first_second: int = _FIRST_SECOND, last_second: int = _LAST_SECOND) -> list[Step]:
    """Two to four kills and stops between two seconds of a load test; the same seed draws the same."""
    drawn = random.Random(seed)
    steps = []
    for _ in range(drawn.randint(*_FAULTS)):
        second, part = drawn.randint(first_second, last_second), drawn.choice(PARTS)
        stopped = drawn.choice((0, drawn.randint(*_STOPPED_SECONDS)))
        steps.append(Step(second, part, stopped))
    return sorted(steps, key=lambda step: step.second)


def scenarios(schedules: int, seed: int) -> Iterator[Scenario]:
    """``schedules`` of them. The n-th has seed + n for its own, which repeats it alone."""
    for own in range(seed, seed + schedules):
        yield Faults(id=f"schedule-{own}", minutes=MINUTES, steps=draw(own))
