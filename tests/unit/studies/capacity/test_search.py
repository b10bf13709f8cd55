import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patternalarm.studies.capacity.search import highest_held


@settings(deadline=None)
@given(st.floats(100, 10_000), st.floats(0.6, 1.4))
def test_the_limit_is_found_to_a_few_percent_and_never_exceeded(limit, guess):
    found = highest_held(limit * guess, lambda rate: rate <= limit, tries=8)
    assert found is not None
    assert limit * 0.92 <= found <= limit


def test_a_search_ends_early_when_its_bounds_are_close():
    asked = []

    def holds(rate):
        asked.append(rate)
        return rate <= 100

    highest_held(100, holds, tries=50)
    assert len(asked) < 10


@pytest.mark.parametrize("tries", [1, 4])
def test_nothing_held_is_none(tries):
    assert highest_held(100, lambda rate: False, tries) is None
