"""Four faults and two random schedules, put into one load test: what `make test` plays."""

from collections.abc import Iterator

from faults.scenarios.random_schedule import draw
from faults.scenarios.scenario import Scenario
from faults.scenarios.steps import SCORER, Faults, Step


def four_faults() -> Faults:
    """Each part has recovered before the next is hit."""
    steps = [
        Step(8, SCORER),
        Step(32, "flink-taskmanager"),
        Step(50, "kafka", stopped_seconds=25),
        Step(85, "postgres"),
    ]
    return Faults(id="four-faults", minutes=1.75, steps=steps)


def scenarios(seed: int) -> Iterator[Scenario]:
    """The schedules follow the four, one after the other."""
    two = [*draw(seed, 105, 130), *draw(seed + 1, 150, 170)]
    yield Faults(
        id=f"four-faults-and-schedules-{seed}-and-{seed + 1}", minutes=3.25, steps=[*four_faults().steps, *two]
    )
