import re

import pytest

from patternalarm.studies.batching.conclusions import conclusions, cost_of
from patternalarm.studies.batching.result import Way


def test_a_fixed_cost_and_one_by_row_are_told_apart(measurement):
    measured = [measurement(Way.SPARK_JOB, rows, 80 + 0.25 * rows) for rows in (1, 10, 100, 1_000)]
    cost = cost_of(measured)
    assert cost.fixed_ms == pytest.approx(80)
    assert cost.per_row_ms == pytest.approx(0.25)


def test_what_follows_is_told_by_the_figures(result):
    told = " ".join(conclusions(result))
    assert "for one row takes 100 ms, for 100 rows 110 ms: batching makes a row 91 times cheaper, as much as" in told
    assert "collect takes most, as in the original: createDataFrame 30 ms (30%)" in told
    assert "the real-time stream scores an event 20 times sooner than the micro-batch one" in told
    assert (
        "the stream in real-time mode scores 25,000 events" in told and "50 times as many as jobs of 100 rows" in told
    )
    assert "without Spark scores one row in 0.5 ms, 200 times faster than a Spark job" in told
    assert "the stream in real-time mode: 2,400,000 rows a minute" in told and "load level extreme" in told


def test_other_figures_lead_to_other_words(result, measurement):
    result.measurements = [
        measurement(Way.SPARK_JOB, 1, 100.0),
        measurement(Way.SPARK_JOB, 100, 9_500.0, rows_per_cpu_second=500_000),
        measurement(Way.MICROBATCH, 1, 10.0),
        measurement(Way.REALTIME, 1, 30.0),
        measurement(Way.IN_PROCESS, 1, 200.0),
    ]
    told = " ".join(conclusions(result))
    assert "1.1 times cheaper, less than the 79 times" in told
    assert "larger batches gain little here" in told
    assert "the micro-batch stream scores an event 3.0 times sooner than the real-time one" in told
    assert "fewer than jobs of 100 rows" in told
    assert "Spark is no worse" in told
    assert "not enough to score any load level" in told


def test_ways_that_were_not_measured_are_not_spoken_of(result):
    result.measurements = [one for one in result.measurements if one.way is Way.IN_PROCESS]
    told = " ".join(conclusions(result))
    assert not re.search("Spark job|stream|POST", told)
