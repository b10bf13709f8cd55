"""Four faults and two random schedules, put into two load tests: what `make test` plays."""

from collections.abc import Iterator

from faults.scenarios.random_schedule import draw
from faults.scenarios.scenario import Scenario
from faults.scenarios.steps import SCORER, Faults, Step


def four_faults() -> Scenario:
    """Each part has recovered before the next is hit."""
    steps = [
        Step(8, SCORER),
        Step(32, "flink-taskmanager"),
        Step(50, "kafka", stopped_seconds=25),
        Step(85, "postgres"),
    ]
    return Faults(id="four-faults", minutes=1.75, steps=steps)


def scenarios(seed: int) -> Iterator[Scenario]:
    """The schedules follow one another in a load test."""
    yield four_faults()
    two = [*draw(seed, 5, 30), *draw(seed + 1, 50, 75)]
    yield Faults(id=f"schedules-{seed}-and-{seed + 1}", minutes=1.75, steps=two)
