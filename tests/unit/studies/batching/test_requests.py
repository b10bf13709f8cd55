import itertools

import numpy as np
import pytest

from patternalarm.models.forest import Tree
from patternalarm.models.forest_scorer import ForestScorer
from patternalarm.studies.batching.requests import made_rows, slices, timed
from patternalarm.studies.batching.result import Measurement, Split, Way

# Splits feature 1 at 10, then its right child at 20.
TREE = Tree(
    children_left=np.array([1, -1, 3, -1, -1], dtype=np.int32),
    children_right=np.array([2, -1, 4, -1, -1], dtype=np.int32),
    feature=np.array([1, -2, 1, -2, -2], dtype=np.int32),
    threshold=np.array([10.0, 0.0, 20.0, 0.0, 0.0]),
    value=np.array([[3.0, 3.0], [1.0, 0.0], [2.0, 3.0], [0.5, 0.5], [0.0, 1.0]]),
    node_sample_weight=np.ones(5),
)


def test_made_rows_reach_every_leaf_and_hold_missing_values():
    rows = made_rows([TREE], 3, 500)

    assert rows.shape == (500, 3)
    assert set(ForestScorer([TREE], 2, 3).score(rows).steps[-1].ravel()) == {1, 3, 4}
    assert 0.01 < np.isnan(rows).mean() < 0.1
    # What no tree asks for stays what it is.
    assert np.nanmax(np.abs(rows[:, [0, 2]])) == 0


def test_the_same_seed_makes_the_same_rows():
    np.testing.assert_array_equal(made_rows([TREE], 3, 50), made_rows([TREE], 3, 50))


def test_requests_take_turns_through_the_rows():
    rows = np.arange(5.0)[:, np.newaxis]
    taken = [request.ravel().tolist() for request in itertools.islice(slices(rows, 2), 4)]
    assert taken == [[0, 1], [2, 3], [4, 0], [1, 2]]


def test_the_warm_up_does_not_count():
    asked = []
    clock = itertools.count()

    found = timed(Way.IN_PROCESS, np.zeros((9, 1)), 3, asked.append, lambda: next(clock), requests=4, warm_up=2)

    assert len(asked) == 6
    assert (found.requests, found.rows) == (4, 3)
    # One CPU second passed between the two times that it was asked for.
    assert found.rows_per_cpu_second == 12


def test_quick_requests_are_made_until_their_time_can_be_told(monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))

    # Each takes a second by this clock.
    found = timed(Way.IN_PROCESS, np.zeros((9, 1)), 1, len, lambda: 0.0, requests=2, warm_up=0, at_least_seconds=5)

    assert found.requests == 5


def test_a_measurement_sums_up_its_requests():
    found = Measurement.of_requests(
        Way.SPARK_JOB, 10, [0.1, 0.2, 0.3], 1.5, Split(create_ms=1, transform_ms=2, collect_ms=3)
    )
    assert found.p50_ms == pytest.approx(200)
    assert found.ms_per_row == pytest.approx(20)
    assert found.rows_per_second == pytest.approx(50)
    assert found.rows_per_cpu_second == pytest.approx(20)
    assert found.cpu_us_per_row == pytest.approx(50_000)
