"""Every part killed, and stopped for a minute, each alone in a load test of its own."""

from collections.abc import Iterator

from faults.evidence import Expected
from faults.scenarios.scenario import Scenario
from faults.scenarios.steps import GENERATOR, PARTS, Faults, Step

_IN_THE_MIDDLE = 15.0
# Until the next part is hit: a scorer that is started anew takes more than a minute on a busy machine.
_KILL_SECONDS = 60
_STOP_SECONDS = 60
_RECOVERY_SECONDS = 35


def scenarios() -> Iterator[Scenario]:
    """One after the other."""
    for part in PARTS:
        yield Faults(id=f"kill-{part}", minutes=1, steps=[Step(_IN_THE_MIDDLE, part)])
        yield Faults(id=f"stop-{part}", minutes=2, steps=[Step(_IN_THE_MIDDLE, part, stopped_seconds=_STOP_SECONDS)])
    yield Faults(id="kill-generator", minutes=2, expected=Expected.CLOSED, steps=[Step(_IN_THE_MIDDLE, GENERATOR)])


def in_a_row() -> Iterator[Scenario]:
    """The same, all kills in one load test and all stops in another: most of the knowledge in a quarter of the time."""
    kills = [Step(_IN_THE_MIDDLE + number * _KILL_SECONDS, part) for number, part in enumerate(PARTS)]
    each = _STOP_SECONDS + _RECOVERY_SECONDS
    stops = [Step(_IN_THE_MIDDLE + number * each, part, _STOP_SECONDS) for number, part in enumerate(PARTS)]
    yield Faults(id="kill-every-part", minutes=len(PARTS) * _KILL_SECONDS / 60 + 0.5, steps=kills)
    yield Faults(id="stop-every-part", minutes=round(len(PARTS) * each / 60 + 0.5), steps=stops)
