from datetime import UTC, datetime

import pytest

from patternalarm.studies.capacity.result import Hold, Point, evaluate
from patternalarm.studies.machine import Machine


@pytest.fixture
def point():
    def make(workers, held_per_second, memory_mib=2_048.0):
        return Point(
            workers=workers,
            held_per_second=held_per_second,
            full_topic_per_second=held_per_second * 1.1,
            cores_used=workers * 0.9,
            generator_cores=0.2,
            memory_mib=memory_mib,
            holds=[
                Hold(per_second=held_per_second, lag_growth=0.01, held=True),
                Hold(per_second=held_per_second * 1.05, lag_growth=0.1, held=False),
            ],
        )

    return make


@pytest.fixture
def evaluated(point):
    def make(held_out=7_400.0, fitted=(2_000.0, 4_000.0, 5_800.0)):
        return evaluate(
            datetime(2026, 11, 27, 12, tzinfo=UTC),
            Machine(cores=2, cpu="a CPU", memory_gib=24, load=0.1),
            "payments",
            "v1",
            30,
            0.03,
            [point(workers, held) for workers, held in zip((0.5, 1.0, 1.5), fitted, strict=True)],
            point(2.0, held_out, 3_072.0),
        )

    return make
