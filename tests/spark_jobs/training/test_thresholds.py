"""Thresholds from a validation block."""

import pytest
from scoring.decision import NEVER
from training.thresholds import (
    MAJORITY,
    STEPS,
    AlertCurve,
    best_f_half_threshold,
    choose_thresholds,
    lowest_precise_threshold,
    pooled_precision,
    pooled_recall,
    type_threshold,
    type_thresholds,
)

HIGH, MIDDLE, LOW = int(0.8 * STEPS), int(0.6 * STEPS), int(0.4 * STEPS)


def curve(alerts, right, found=(), campaigns=0):
    return AlertCurve.of_counts(alerts, right, found, campaigns)


def test_units_count_at_their_step_and_below():
    steps = curve(alerts=[(HIGH, 6), (LOW, 4)], right=[(HIGH, 5)], found=[(HIGH, 2)], campaigns=4)

    assert [int(steps.alerts[step]) for step in (0, LOW, LOW + 1, HIGH, HIGH + 1)] == [10, 10, 6, 6, 0]
    assert steps.precision()[HIGH] == pytest.approx(5 / 6)
    assert steps.precision()[LOW] == pytest.approx(0.5)
    assert steps.recall()[HIGH] == 0.5
    assert steps.recall()[HIGH + 1] == 0


def test_the_lowest_threshold_that_keeps_the_target():
    steps = curve(alerts=[(HIGH, 10), (MIDDLE, 10), (LOW, 80)], right=[(HIGH, 10), (MIDDLE, 8)])

    assert lowest_precise_threshold(steps, 0.9) == pytest.approx((LOW + 1) / STEPS)
    assert lowest_precise_threshold(steps, 0.95) == pytest.approx((MIDDLE + 1) / STEPS)
    assert lowest_precise_threshold(curve(alerts=[(HIGH, 10)], right=[(HIGH, 5)]), 0.9) is None


def test_few_alerts_prove_no_precision():
    assert lowest_precise_threshold(curve(alerts=[(HIGH, 4)], right=[(HIGH, 4)]), 0.9) is None


def test_the_best_compromise_where_the_target_is_out_of_reach():
    steps = curve(
        alerts=[(HIGH, 10), (LOW, 90)], right=[(HIGH, 8), (LOW, 10)], found=[(HIGH, 8), (LOW, 2)], campaigns=10
    )

    # F-0.5 is 1.25·0.8·0.8 / (0.25·0.8 + 0.8) = 0.8 over LOW, and 1.25·0.18·1 / (0.25·0.18 + 1) = 0.215 at it.
    assert best_f_half_threshold(steps) == pytest.approx((LOW + 1) / STEPS)
    assert type_threshold(steps, 0.9) == pytest.approx((LOW + 1) / STEPS)


def test_a_type_that_validation_does_not_hold_needs_the_majority():
    assert type_threshold(curve(alerts=[(HIGH, 10)], right=[]), 0.9) == MAJORITY


def test_precision_is_given_up_while_recall_is_the_weaker():
    # From HIGH up every alert is right and 8 of 10 campaigns are found; from MIDDLE up 36 of 40 alerts are (.9), and all.
    steps = curve(
        alerts=[(HIGH, 20), (MIDDLE, 20)],
        right=[(HIGH, 20), (MIDDLE, 16)],
        found=[(HIGH, 8), (MIDDLE, 2)],
        campaigns=10,
    )
    found_alone = curve(alerts=[(HIGH, 20)], right=[(HIGH, 20)], found=[(HIGH, 30)], campaigns=30)

    assert type_thresholds({1: steps}) == ({1: pytest.approx(1 / STEPS)}, 0.9)
    thresholds, target = type_thresholds({1: steps, 2: found_alone})
    # Both from MIDDLE up: precision 1, recall 38/40; at the lower target .933 and 1.
    assert target == 0.94
    assert thresholds[1] == pytest.approx((MIDDLE + 1) / STEPS)
    assert pooled_recall({1: steps, 2: found_alone}, thresholds) == pytest.approx(38 / 40)
    assert pooled_precision({1: steps, 2: found_alone}, thresholds) == 1.0
    assert pooled_precision({1: steps, 2: found_alone}, {1: 0.002, 2: 0.002}) == pytest.approx(56 / 60)


def test_thresholds_are_chosen_by_alerts_and_campaigns(spark, pack):
    rows = [
        ("c", f"fraud{actor}", step, "c" + str(actor), [0.3, 0.7, 0.0, 0.0], 1) for actor in range(10) for step in "ab"
    ]
    # Twenty true events of ten alerts against six false events of six: by events .77, by alerts .63.
    rows += [("x", f"other{actor}", "a", None, [0.4, 0.6, 0.0, 0.0], 0) for actor in range(6)]
    rows += [("y", f"calm{actor}", "a", None, [0.9, 0.05, 0.0, 0.05], 0) for actor in range(50)]
    frame = spark.createDataFrame(
        [(0, actor, campaign, scores, label) for _, actor, _, campaign, scores, label in rows],
        "event_time_ms long, actor_id string, campaign_id string, scores array<double>, label int",
    )

    thresholds = choose_thresholds(frame, pack)

    assert 0.6 < thresholds["alpha"] <= 0.7
    assert thresholds["ghost"] == thresholds["beta"] == MAJORITY
    assert thresholds["suspicious_activity"] == NEVER


def test_a_row_speaks_for_its_most_probable_type_alone(spark, pack):
    rows = [(0, f"a{n}", f"c{n}", [0.2, 0.45, 0.0, 0.35], 1) for n in range(8)]
    rows += [(0, f"b{n}", f"d{n}", [0.5, 0.1, 0.0, 0.4], 3) for n in range(8)]
    frame = spark.createDataFrame(
        rows, "event_time_ms long, actor_id string, campaign_id string, scores array<double>, label int"
    )

    thresholds = choose_thresholds(frame, pack)

    assert thresholds["beta"] <= 0.4


def test_suspicious_activity_is_judged_by_the_rows_that_no_type_claims(spark, pack):
    rows = [(0, f"sure{n}", f"s{n}", [0.1, 0.9, 0.0, 0.0], 1) for n in range(40)]
    rows += [(0, f"wrong{n}", None, [0.55, 0.45, 0.0, 0.0], 0) for n in range(40)]
    rows += [(0, f"torn{n}", f"t{n}", [0.3, 0.35, 0.0, 0.35], 3) for n in range(6)]
    frame = spark.createDataFrame(
        rows, "event_time_ms long, actor_id string, campaign_id string, scores array<double>, label int"
    )

    thresholds = choose_thresholds(frame, pack)

    assert 0.44 < thresholds["suspicious_activity"] <= 0.7
