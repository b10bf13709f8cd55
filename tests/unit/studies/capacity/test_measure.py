import pytest

from patternalarm.studies.capacity.measure import Sample, lag_growth
from patternalarm.studies.errors import StudyError


def samples(lag_at):
    return [Sample(float(second), round(lag_at(second))) for second in range(30)]


def test_a_flat_lag_does_not_grow_whatever_its_height():
    assert lag_growth(samples(lambda second: 5_000), 1_000) == pytest.approx(0)


def test_a_growing_lag_is_a_share_of_the_rate():
    assert lag_growth(samples(lambda second: 50 * second), 1_000) == pytest.approx(0.05)


def test_the_first_third_does_not_count():
    assert lag_growth(samples(lambda second: min(second, 8) * 1_000), 1_000) == pytest.approx(0)


def test_a_lag_that_shrinks_grows_by_less_than_nothing():
    assert lag_growth(samples(lambda second: 9_000 - 100 * second), 1_000) < 0


def test_two_looks_tell_nothing():
    with pytest.raises(StudyError, match="send each rate for longer"):
        lag_growth([Sample(0, 0), Sample(1, 0)], 1_000)
