import pytest

from patternalarm.grading.metrics import Metric, MetricName
from patternalarm.grading.thresholds import MIN_CAMPAIGNS, gate, thresholds_of


def gated(name: MetricName, value: float | None, kind="load-test", level="normal", campaigns=200, fraud_type="all"):
    return gate([Metric(name, "", value, fraud_type)], thresholds_of(kind, level), campaigns)[0]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (MetricName.RATE_DEVIATION, 0.02, 0.0201),
        (MetricName.EVENTS_LOST, 0, 1),
        (MetricName.EVENTS_DUPLICATED, 0, 1),
        (MetricName.EVENTS_ALTERED, 0, 1),
        (MetricName.EVENTS_SCORED, 1.0, 0.99999),
        (MetricName.LEDGER_CLOSED, 1, 0),
        (MetricName.CAMPAIGN_RECALL, 0.80, 0.799),
        (MetricName.ALERT_PRECISION, 0.80, 0.799),
        (MetricName.SCORE_DELAY_P50, 99.9, 100),
        (MetricName.SCORE_DELAY_P99, 599, 600),
        (MetricName.PATTERN_DELAY_P99, 1_999, 2_000),
    ],
)
def test_load_test(name: MetricName, good: float, bad: float) -> None:
    assert gated(name, good).passed is True
    assert gated(name, bad).passed is False
    assert gated(name, bad).gated


@pytest.mark.parametrize("name", [MetricName.CAMPAIGN_RECALL, MetricName.ALERT_PRECISION])
def test_under_a_hundred_campaigns_detection_is_printed_not_gated(name: MetricName) -> None:
    few = gated(name, 0.1, campaigns=MIN_CAMPAIGNS - 1)
    assert (few.gated, few.passed, few.threshold) == (False, None, 0.80)
    assert gated(name, 0.1, campaigns=MIN_CAMPAIGNS).passed is False


def test_lost_events_are_gated_however_few_the_campaigns() -> None:
    assert gated(MetricName.EVENTS_LOST, 1, campaigns=0).passed is False


def test_a_single_fraud_type_is_not_gated() -> None:
    assert not gated(MetricName.CAMPAIGN_RECALL, 0.0, fraud_type="card_testing").gated


def test_extreme_is_held_to_a_second() -> None:
    assert gated(MetricName.SCORE_DELAY_P99, 999, level="extreme").passed is True
    assert gated(MetricName.SCORE_DELAY_P99, 1_000, level="extreme").passed is False
    assert not gated(MetricName.SCORE_DELAY_P50, 500, level="extreme").gated


def test_delays_of_a_mini_run_are_printed_not_gated() -> None:
    mini = gated(MetricName.SCORE_DELAY_P99, 5_000, level="mini")
    assert (mini.gated, mini.threshold) == (False, 600)


def test_no_alert_no_delay_to_gate_but_no_rate_is_a_miss() -> None:
    assert not gated(MetricName.SCORE_DELAY_P99, None).gated
    assert gated(MetricName.RATE_DEVIATION, None).passed is False


def test_replay() -> None:
    assert gated(MetricName.AVERAGE_PRECISION, 0.60, "replay", None).passed is True
    assert gated(MetricName.AVERAGE_PRECISION, 0.599, "replay", None).passed is False
    assert gated(MetricName.EVENTS_LOST, 1, "replay", None).passed is False
    assert not gated(MetricName.CAMPAIGN_RECALL, 0.1, "replay", None).gated
    assert not gated(MetricName.SCORE_DELAY_P99, 1e9, "replay", None).gated
