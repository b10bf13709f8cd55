"""The report, by a hand-computed example."""

import pytest
from training.evaluation import average_precision, report

HALF_HOUR_MS = 1_800_000


def test_average_precision_of_a_known_ranking():
    # Ranking: right, wrong, right, and two unseparated rows of which one is right.
    assert average_precision([(9, 1, 1), (8, 1, 0), (7, 1, 1), (5, 2, 1)]) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    assert average_precision([(9, 5, 0)]) is None


def test_report_by_hand(spark, pack):
    sure, unsure = [0.1, 0.9, 0.0, 0.0], [0.8, 0.1, 0.0, 0.1]
    columns = (
        "actor_id string, event_time_ms long, campaign_id string, label int, scores array<double>, score double, "
        "fraud_type string"
    )
    rows = [
        # Campaign c1 of alpha: two of three events are flagged, within one episode: one alert, right.
        ("a", 0, "c1", 1, sure, 0.9, "alpha"),
        ("a", 10, "c1", 1, sure, 0.9, "alpha"),
        ("a", 20, "c1", 1, unsure, 0.2, None),
        # Campaign c2 of alpha, found under the wrong type: a wrong alert of beta, right and found when pooled.
        ("b", 0, "c2", 1, [0.2, 0.3, 0.0, 0.5], 0.8, "beta"),
        # Campaign c3 of beta: never flagged.
        ("c", 0, "c3", 3, unsure, 0.2, None),
        # Campaign c4 of beta, seen as suspicious alone: right and found when pooled.
        ("d", 0, "c4", 3, [0.3, 0.35, 0.0, 0.35], 0.7, "suspicious_activity"),
        # A legitimate actor flagged in two episodes: two wrong alerts.
        ("e", 0, None, 0, sure, 0.9, "alpha"),
        ("e", HALF_HOUR_MS, None, 0, sure, 0.9, "alpha"),
        ("f", 0, None, 0, unsure, 0.2, None),
    ]

    metrics = report(spark.createDataFrame(rows, columns), pack, "test")

    assert (metrics["block"], metrics["rows"]) == ("test", 9)
    alpha, beta, pooled = metrics["types"]["alpha"], metrics["types"]["beta"], metrics["all"]
    assert (alpha["events"], alpha["flagged_events"], alpha["true_flags"]) == (4, 4, 2)
    assert (alpha["alerts"], alpha["right_alerts"]) == (3, 1)
    assert (alpha["campaigns"], alpha["found_campaigns"], alpha["campaign_recall"]) == (2, 1, 0.5)
    assert (beta["alerts"], beta["right_alerts"], beta["campaigns"], beta["found_campaigns"]) == (1, 0, 2, 0)
    assert metrics["types"]["ghost"]["campaign_recall"] is None
    assert metrics["types"]["ghost"]["average_precision"] is None
    assert (pooled["events"], pooled["flagged_events"], pooled["true_flags"]) == (6, 6, 4)
    assert (pooled["alerts"], pooled["right_alerts"], pooled["alert_precision"]) == (5, 3, 0.6)
    assert (pooled["campaigns"], pooled["found_campaigns"], pooled["campaign_recall"]) == (4, 3, 0.75)
    # Pooled ranking: four rows at .9 (two right), one at .8, one at .7, three at .2 (two right).
    assert pooled["average_precision"] == pytest.approx((2 * 2 / 4 + 3 / 5 + 4 / 6 + 2 * 6 / 9) / 6)


def test_events_without_a_campaign_are_one_campaign_per_actor_and_episode(spark, pack):
    columns = (
        "actor_id string, event_time_ms long, campaign_id string, label int, scores array<double>, score double, "
        "fraud_type string"
    )
    sure = [0.1, 0.9, 0.0, 0.0]
    times = (0, 10, HALF_HOUR_MS)
    rows = [("a", time, None, 1, sure, 0.9, "alpha") for time in times] + [("b", 0, None, 1, sure, 0.9, None)]

    alpha = report(spark.createDataFrame(rows, columns), pack, "test")["types"]["alpha"]

    assert (alpha["campaigns"], alpha["found_campaigns"], alpha["alerts"]) == (3, 2, 2)
