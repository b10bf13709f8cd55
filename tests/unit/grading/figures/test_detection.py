"""The grading on an example small enough to work out by hand.

Campaigns (first event at second 0, 100, 200, ... of the run):

| campaign | kind      | type             | events     |
|----------|-----------|------------------|------------|
| ct-1     | fraud     | card_testing     | e1 e2 e3   |
| ct-2     | fraud     | card_testing     | e4 e5      |
| at-1     | fraud     | account_takeover | e6 e7 e8   |
| at-2     | fraud     | account_takeover | e9 e10     |
| look-1   | lookalike | account_takeover | l1 l2      |
| look-2   | lookalike | card_testing     | l3         |

Alerts:

| alert | type                | events | right by type | right at all |
|-------|---------------------|--------|---------------|--------------|
| A     | card_testing        | e2 e3  | yes, ct-1     | yes          |
| B     | card_testing        | e6 x1  | no, at-1 is a takeover | yes |
| C     | account_takeover    | e8     | yes, at-1     | yes          |
| D     | account_takeover    | l1 l2  | no, look-1    | no           |
| E     | suspicious_activity | e9     | has no type   | yes, at-2    |
| F     | suspicious_activity | x2     | has no type   | no           |

By type: card_testing finds ct-1 of {ct-1, ct-2}, account_takeover at-1 of {at-1, at-2}. Pooled: ct-1, at-1 (first by B)
and at-2 (by E) of four. Precision: card_testing A of {A, B}, account_takeover C of {C, D}; pooled A, B, C, E of six.
Events: card_testing e2 e3 of five, account_takeover e8 of five, pooled e2 e3 e6 e8 e9 of ten. Alerted events:
card_testing e2 e3 of {e2 e3 e6 x1}, account_takeover e8 of {e8 l1 l2}, pooled e2 e3 e6 e8 e9 of nine.
"""

import pandas as pd
import pytest

from patternalarm.contracts.alerts import EvidenceSource
from patternalarm.grading.figures.delays import delay_metrics, load_test_delays, replay_delays
from patternalarm.grading.figures.detection import (
    ALERT_COLUMNS,
    ALERT_EVENT_COLUMNS,
    CAMPAIGN_COLUMNS,
    TRUTH_EVENT_COLUMNS,
    Alerts,
    Truth,
    detect,
    detection_metrics,
)
from patternalarm.grading.figures.metrics import MetricName

CAMPAIGNS = [
    ("ct-1", "fraud", "card_testing", 3, 0.0, 30.0),
    ("ct-2", "fraud", "card_testing", 2, 100_000.0, 20.0),
    ("at-1", "fraud", "account_takeover", 3, 200_000.0, 900.0),
    ("at-2", "fraud", "account_takeover", 2, 300_000.0, 100.0),
    ("look-1", "lookalike", "account_takeover", 2, 400_000.0, 50.0),
    ("look-2", "lookalike", "card_testing", 1, 500_000.0, 5.0),
]
TRUTH_EVENTS = [
    *(("e1", "ct-1"), ("e2", "ct-1"), ("e3", "ct-1"), ("e4", "ct-2"), ("e5", "ct-2")),
    *(("e6", "at-1"), ("e7", "at-1"), ("e8", "at-1"), ("e9", "at-2"), ("e10", "at-2")),
    *(("l1", "look-1"), ("l2", "look-1"), ("l3", "look-2")),
]
# alert, type, first source, trigger's event time, trigger's sent time, detected at
ALERTS = [
    ("A", "card_testing", "score", 10_000.0, 910_000.0, 10_030.0),
    ("B", "card_testing", "score", 200_000.0, 920_000.0, 200_050.0),
    ("C", "account_takeover", "pattern", 230_000.0, None, 230_900.0),
    ("D", "account_takeover", "score", 400_000.0, 930_000.0, 400_070.0),
    ("E", "suspicious_activity", "score", 300_000.0, 940_000.0, 300_020.0),
    ("F", "suspicious_activity", "score", 600_000.0, 950_000.0, 600_010.0),
]
# alert, event, source, event time, commit time
ALERT_EVENTS = [
    ("A", "e2", "score", 10_000.0, 10_030.0),
    ("A", "e3", "score", 20_000.0, 20_030.0),
    ("B", "e6", "score", 200_000.0, 200_050.0),
    ("B", "x1", "score", 205_000.0, 205_090.0),
    ("C", "e8", "pattern", 230_000.0, 230_900.0),
    ("D", "l1", "score", 400_000.0, 400_070.0),
    ("D", "l2", "pattern", 410_000.0, 411_500.0),
    ("E", "e9", "score", 300_000.0, 300_020.0),
    ("F", "x2", "score", 600_000.0, 600_010.0),
]


def frame(rows: list, columns: tuple[str, ...]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=list(columns))
    return table.astype({name: "float64" for name in columns if name.endswith("_ms")})


def truth(campaigns: list = CAMPAIGNS, events: list = TRUTH_EVENTS) -> Truth:
    """``events`` are (event, campaign), all of actor a."""
    of_actor = [("a", *event) for event in events]
    return Truth(frame(campaigns, CAMPAIGN_COLUMNS), frame(of_actor, TRUTH_EVENT_COLUMNS))


def alerts(rows: list = ALERTS, events: list = ALERT_EVENTS, actor: str = "a") -> Alerts:
    """``events`` are (alert, event, source, event time, commit time), all of ``actor``."""
    of_actor = [(alert, actor, *event) for alert, *event in events]
    return Alerts(frame(rows, ALERT_COLUMNS), frame(of_actor, ALERT_EVENT_COLUMNS))


@pytest.fixture
def figures() -> dict:
    return {(m.metric, m.fraud_type): m for m in detection_metrics(detect(truth(), alerts()))}


@pytest.mark.parametrize(
    ("metric", "fraud_type", "numerator", "denominator"),
    [
        (MetricName.CAMPAIGN_RECALL, "card_testing", 1, 2),
        (MetricName.CAMPAIGN_RECALL, "account_takeover", 1, 2),
        (MetricName.CAMPAIGN_RECALL, "all", 3, 4),
        (MetricName.ALERT_PRECISION, "card_testing", 1, 2),
        (MetricName.ALERT_PRECISION, "account_takeover", 1, 2),
        (MetricName.ALERT_PRECISION, "all", 4, 6),
        (MetricName.EVENT_RECALL, "card_testing", 2, 5),
        (MetricName.EVENT_RECALL, "account_takeover", 1, 5),
        (MetricName.EVENT_RECALL, "all", 5, 10),
        (MetricName.EVENT_PRECISION, "card_testing", 2, 4),
        (MetricName.EVENT_PRECISION, "account_takeover", 1, 3),
        (MetricName.EVENT_PRECISION, "all", 5, 9),
        (MetricName.LOOKALIKES_ALERTED, "account_takeover", 1, 1),
        (MetricName.LOOKALIKES_ALERTED, "card_testing", 0, 1),
        (MetricName.LOOKALIKES_ALERTED, "all", 1, 2),
    ],
)
def test_shares_by_hand(figures: dict, metric: MetricName, fraud_type: str, numerator: int, denominator: int) -> None:
    figure = figures[metric, fraud_type]
    assert (figure.numerator, figure.denominator) == (numerator, denominator)
    assert figure.value == pytest.approx(numerator / denominator)
    assert figure.ci_low < figure.value < figure.ci_high or figure.value in (0, 1)


def test_interval_by_hand(figures: dict) -> None:
    # Wilson for 3 of 4: centre (0.75 + 3.8415/8) / (1 + 3.8415/4) = 0.62754, half-width 0.32689.
    recall = figures[MetricName.CAMPAIGN_RECALL, "all"]
    assert (recall.ci_low, recall.ci_high) == pytest.approx((0.3006, 0.9544), abs=5e-5)


def test_suspicious_activity_has_no_line_of_its_own(figures: dict) -> None:
    assert {fraud_type for _, fraud_type in figures} == {"all", "card_testing", "account_takeover"}


def test_time_to_detection_by_hand(figures: dict) -> None:
    # Pooled: ct-1 10.03 s by A, at-1 0.05 s by B, at-2 0.02 s by E. By type, at-1 is found by C only, after 30.9 s.
    p50, p95 = MetricName.DETECTION_TIME_P50, MetricName.DETECTION_TIME_P95
    assert figures[p50, "all"].value == pytest.approx(0.05)
    assert figures[p95, "all"].value == pytest.approx(10.03)
    assert figures[p50, "all"].denominator == 3
    assert figures[p50, "account_takeover"].value == pytest.approx(30.9)
    assert figures[p50, "card_testing"].value == pytest.approx(10.03)


def test_time_to_detection_of_a_replay_is_in_event_time() -> None:
    events = [
        ("A", "e1", "pattern", 0.0, 7e12),
        ("A", "e2", "pattern", 10_000.0, 7e12),
        ("A", "e3", "pattern", 20_000.0, 7e12),
        ("B", "e7", "score", 215_000.0, 7e12),
    ]
    detection = detect(truth(), alerts(events=events))
    # The pattern was complete with e3, 20 s after the campaign began, not with e1, which it holds too.
    assert sorted(detection.detection_seconds(by_event_time=True)) == [15.0, 20.0]


def test_alert_without_an_event_of_its_type_finds_nothing_of_it() -> None:
    only_b = detect(truth(), alerts(ALERTS[1:2], ALERT_EVENTS[2:4]))
    figures = {(m.metric, m.fraud_type): m for m in detection_metrics(only_b)}
    assert figures[MetricName.CAMPAIGN_RECALL, "account_takeover"].numerator == 0
    assert figures[MetricName.CAMPAIGN_RECALL, "card_testing"].numerator == 0
    assert figures[MetricName.CAMPAIGN_RECALL, "all"].numerator == 1
    assert figures[MetricName.ALERT_PRECISION, "account_takeover"].value is None


def test_event_of_two_campaigns_finds_both() -> None:
    both = truth(events=[*TRUTH_EVENTS, ("e2", "ct-2")])
    figures = {(m.metric, m.fraud_type): m for m in detection_metrics(detect(both, alerts()))}
    assert figures[MetricName.CAMPAIGN_RECALL, "card_testing"].numerator == 2
    assert figures[MetricName.EVENT_RECALL, "card_testing"].denominator == 5


def test_events_of_other_actors_are_others_whatever_their_ids() -> None:
    figures = {(m.metric, m.fraud_type): m for m in detection_metrics(detect(truth(), alerts(actor="b")))}
    for metric in (MetricName.CAMPAIGN_RECALL, MetricName.ALERT_PRECISION, MetricName.EVENT_RECALL):
        assert figures[metric, "all"].numerator == 0
    both = pd.concat([alerts().events, alerts(actor="b").events])
    figures = {(m.metric, m.fraud_type): m for m in detection_metrics(detect(truth(), Alerts(alerts().alerts, both)))}
    event_precision = figures[MetricName.EVENT_PRECISION, "all"]
    assert (event_precision.numerator, event_precision.denominator) == (5, 18)
    assert figures[MetricName.EVENT_PRECISION, "card_testing"].numerator == 2


@pytest.mark.parametrize("empty", ["truth", "alerts", "both"])
def test_nothing_to_grade(empty: str) -> None:
    nobody = truth([], []) if empty in ("truth", "both") else truth()
    silence = alerts([], []) if empty in ("alerts", "both") else alerts()
    figures = {(m.metric, m.fraud_type): m for m in detection_metrics(detect(nobody, silence))}
    recall, precision = figures[MetricName.CAMPAIGN_RECALL, "all"], figures[MetricName.ALERT_PRECISION, "all"]
    assert recall.value == (None if empty in ("truth", "both") else 0)
    assert precision.value == (None if empty in ("alerts", "both") else 0)
    assert figures[MetricName.DETECTION_TIME_P50, "all"].value is None


def test_delays_of_scores_by_hand() -> None:
    # A 30, B 50, D 70, E 20, F 10 ms; the later rows of A and B do not count.
    delays = load_test_delays(alerts(), EvidenceSource.SCORE, 0)
    assert sorted(delays) == [10, 20, 30, 50, 70]
    values = {m.metric: m.value for m in delay_metrics(EvidenceSource.SCORE, delays)}
    assert values[MetricName.SCORE_DELAY_P50] == 30
    assert values[MetricName.SCORE_DELAY_P99] == 70


def test_delays_of_patterns_by_hand() -> None:
    # C was raised by the pattern, 900 ms after its trigger; D was joined by one 1,500 ms after the completing event.
    assert sorted(load_test_delays(alerts(), EvidenceSource.PATTERN, 0)) == [900, 1_500]


def test_pattern_is_triggered_by_the_event_that_completes_it_and_a_score_alert_by_the_first() -> None:
    together = [
        ("A", "e1", "pattern", 1_000.0, 9_000.0),
        ("A", "e2", "pattern", 8_000.0, 9_000.0),
        ("A", "e1", "score", 1_000.0, 9_100.0),
        ("A", "e2", "score", 8_000.0, 9_100.0),
    ]
    raised = [("A", "card_testing", "pattern", 8_000.0, None, 9_000.0)]
    assert load_test_delays(alerts(raised, together), EvidenceSource.PATTERN, 0).tolist() == [1_000]
    assert load_test_delays(alerts(raised, together), EvidenceSource.SCORE, 0).tolist() == [8_100]


def test_alert_raised_by_history_has_no_delay() -> None:
    assert len(load_test_delays(alerts(), EvidenceSource.SCORE, 250_000)) == 3


def test_delays_of_a_replay_start_at_sending() -> None:
    events = [("A", "e2", "score", 10_000.0, 910_040.0), ("C", "e8", "pattern", 230_000.0, 990_000.0)]
    assert replay_delays(alerts(events=events), EvidenceSource.SCORE, 0).tolist() == [40]
    assert replay_delays(alerts(events=events), EvidenceSource.PATTERN, 0).tolist() == []
