"""A load test is stopped in every state in every way, and within a quarter of an hour nothing of it is left.

All are stopped first, one after another; what the teardown cannot reach is closed by the watchdog on its own schedule, while
later ones run beside it.
"""

import time
from collections.abc import Iterator
from typing import Final

import pytest
from leftovers.person import Person
from leftovers.states import STATES
from leftovers.stop import Stopped, left, stop
from leftovers.ways import WAYS

from patternalarm.settings import Settings

PATIENCE_SECONDS: Final = 900
_POLL_SECONDS: Final = 2

MATRIX: Final = [pytest.param(state, way, id=f"{state}-{way}") for state in STATES for way in WAYS]


@pytest.fixture(scope="module")
def stopped() -> Iterator[dict[tuple[str, str], Stopped]]:
    """The load tests that were stopped so far, by state and way."""
    yield {}


@pytest.mark.parametrize(("state", "way"), MATRIX)
def test_it_is_stopped(
    platform: Settings, person: Person, stopped: dict[tuple[str, str], Stopped], state: str, way: str
) -> None:
    stopped[state, way] = stop(platform, person, STATES[state], WAYS[way])


@pytest.mark.parametrize(("state", "way"), MATRIX)
def test_nothing_of_it_is_left(
    platform: Settings, person: Person, stopped: dict[tuple[str, str], Stopped], state: str, way: str
) -> None:
    if (state, way) not in stopped:
        pytest.fail("it was not stopped")
    load_test = stopped[state, way]
    while found := left(platform, person, load_test):
        seconds = time.monotonic() - load_test.at
        assert seconds < PATIENCE_SECONDS, f"{seconds:.0f} s after it was stopped: {', '.join(found)}"
        time.sleep(_POLL_SECONDS)
