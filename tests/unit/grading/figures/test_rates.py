from datetime import UTC, datetime, timedelta

import pytest

from patternalarm.grading.figures.metrics import MetricName
from patternalarm.grading.figures.rates import ShardBooks, rate_metrics

START = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
END = START + timedelta(minutes=2)


def shard(number: int, generated: int, phase="measured", begin=0.0, end=120.0, late=None) -> ShardBooks:
    begins, ends = START + timedelta(seconds=begin), START + timedelta(seconds=end)
    return ShardBooks(phase, number, generated, generated, 0, begins, ends, late)


def figures(shards, asked=10_000.0) -> dict:
    scheduled = (START, END) if asked else None
    return {m.metric: m.value for m in rate_metrics(shards, asked, scheduled)}


def test_shards_add_up_and_history_does_not() -> None:
    got = figures([shard(0, 10_100), shard(1, 10_100, late=7.0), shard(0, 99_999, phase="history", begin=-30, end=-20)])
    assert got[MetricName.RATE_REACHED] == pytest.approx(10_100)
    assert got[MetricName.RATE_DEVIATION] == pytest.approx(0.01)
    assert got[MetricName.RATE_ASKED] == 10_000
    assert got[MetricName.PRODUCER_LATE_P99] == 7.0


def test_waiting_for_the_start_and_an_early_last_event_do_not_change_the_rate() -> None:
    got = figures([shard(0, 20_000, begin=-15, end=119.5)])
    assert got[MetricName.RATE_REACHED] == pytest.approx(10_000)


def test_a_generator_that_falls_behind_misses_its_rate() -> None:
    got = figures([shard(0, 20_000, end=150)])
    assert got[MetricName.RATE_REACHED] == pytest.approx(8_000)
    assert got[MetricName.RATE_DEVIATION] == pytest.approx(0.2)


def test_unpaced_run_reports_what_it_reached() -> None:
    got = figures([shard(0, 30_000, begin=200, end=260)], asked=None)
    assert got == {MetricName.RATE_REACHED: pytest.approx(30_000), MetricName.PRODUCER_LATE_P99: None}


def test_nothing_measured() -> None:
    got = figures([shard(0, 5, phase="history")])
    assert got[MetricName.RATE_REACHED] is None
    assert got[MetricName.RATE_DEVIATION] is None
