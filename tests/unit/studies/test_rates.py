import pytest

from patternalarm.studies.rates import rates_of_second_half


def test_only_the_second_half_counts():
    # Ten seconds for the first hundred, one for the second.
    marks = [(0.0, 0, 0.0), (10.0, 100, 8.0), (10.5, 150, 8.2), (11.0, 200, 8.4)]
    assert rates_of_second_half(marks) == pytest.approx((100.0, 250.0))


def test_work_that_was_done_between_two_looks_counts_as_a_whole():
    assert rates_of_second_half([(0.0, 0, 0.0), (2.0, 100, 1.0)]) == pytest.approx((50.0, 100.0))
