from dataclasses import replace

import pytest

from patternalarm.grading.figures.metrics import Metric, MetricName, proportion
from patternalarm.grading.verdict.judgement import judge
from patternalarm.grading.verdict.thresholds import gate, thresholds_of


def judged(*changed: Metric, campaigns: int = 200, strict: bool = True, without: MetricName | None = None):
    """A load test at its best, but for the figures given."""
    best = {
        metric.metric: metric
        for metric in (
            Metric(MetricName.LEDGER_CLOSED, "yes/no", 1.0),
            Metric(MetricName.EVENTS_LOST, "events", 0.0),
            Metric(MetricName.EVENTS_DUPLICATED, "rows", 0.0),
            Metric(MetricName.EVENTS_ALTERED, "events", 0.0),
            Metric(MetricName.EVENTS_SCORED, "ratio", 1.0),
            Metric(MetricName.EVENTS_GENERATED, "events", 12_000.0),
            Metric(MetricName.EVENTS_TO_SCORE, "events", 10_000.0),
            Metric(MetricName.EVENTS_GRADED, "events", 10_000.0),
            Metric(MetricName.FRAUD_GRADED, "events", 150.0),
            Metric(MetricName.HONEST_GRADED, "events", 9_850.0),
            Metric(MetricName.ALERTS_RAISED, "alerts", 200.0),
            Metric(MetricName.EVENTS_BEHIND_WATERMARK, "events", 0.0),
            Metric(MetricName.RATE_DEVIATION, "ratio", 0.001),
            proportion(MetricName.CAMPAIGN_RECALL, 180, 200),
            proportion(MetricName.ALERT_PRECISION, 180, 200),
            Metric(MetricName.SCORE_DELAY_P50, "ms", 30.0),
            Metric(MetricName.SCORE_DELAY_P99, "ms", 200.0),
            Metric(MetricName.PATTERN_DELAY_P99, "ms", 900.0),
        )
    }
    best.update({metric.metric: metric for metric in changed})
    if without:
        del best[without]
    metrics = gate(best.values(), thresholds_of("load-test", "normal", strict=strict), campaigns)
    # A figure of one fraud type must never be taken for the pooled one.
    metrics.append(replace(proportion(MetricName.CAMPAIGN_RECALL, 0, 9, "card_testing"), gated=False))
    return judge(metrics, "load-test", "normal", strict=strict)


def test_best_run_passes() -> None:
    best = judged()
    assert best.passed
    assert best.reason is None
    assert len(best.gates) == 18
    assert all(gate.unjudged is None for gate in best.gates)


def test_every_miss_is_named_with_its_distance() -> None:
    run = judged(
        proportion(MetricName.CAMPAIGN_RECALL, 148, 200),
        Metric(MetricName.SCORE_DELAY_P99, "ms", 700.0),
        Metric(MetricName.EVENTS_LOST, "events", 3.0),
        Metric(MetricName.LEDGER_CLOSED, "yes/no", 0.0),
        Metric(MetricName.RATE_DEVIATION, "ratio", None),
    )
    assert not run.passed
    assert run.reason == (
        "the ledger is not closed; events_lost 3 events (asked at most 0 events); "
        "campaign_recall 0.74, 0.06 under the limit (at least 0.80), 95 % interval up to 0.796; "
        "rate_deviation was not measured (asked at most 0.02); "
        "score_alert_delay_p99 700 ms, 100 ms over the limit (below 600 ms)"
    )


def test_a_miss_by_a_hair_does_not_read_as_a_pass() -> None:
    run = judged(Metric(MetricName.RATE_DEVIATION, "ratio", 0.0201))
    assert run.reason == "rate_deviation 0.0201, 0.0001 over the limit (at most 0.02)"


def test_too_few_campaigns_miss_what_their_interval_misses() -> None:
    run = judged(
        proportion(MetricName.CAMPAIGN_RECALL, 1, 99), proportion(MetricName.ALERT_PRECISION, 15, 20), campaigns=99
    )
    assert run.reason == "campaign_recall 0.01, 0.79 under the limit (at least 0.80), 95 % interval up to 0.06"
    (precision,) = (gate for gate in run.gates if gate.metric.metric is MetricName.ALERT_PRECISION)
    assert precision.passed is None
    assert precision.off_target
    assert precision.unjudged == "under 100 fraud campaigns, and the interval reaches the limit"


def test_speed_of_a_run_that_is_not_strict_is_told_and_misses_nothing() -> None:
    run = judged(
        Metric(MetricName.SCORE_DELAY_P99, "ms", 1_269.0),
        Metric(MetricName.EVENTS_BEHIND_WATERMARK, "events", 4.0),
        strict=False,
    )
    assert run.passed
    off = {gate.metric.metric: gate for gate in run.gates if gate.off_target}
    assert set(off) == {MetricName.SCORE_DELAY_P99, MetricName.EVENTS_BEHIND_WATERMARK}
    assert off[MetricName.SCORE_DELAY_P99].unjudged == "the run is not strict"


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        (MetricName.EVENTS_GENERATED, "nothing was generated"),
        (MetricName.EVENTS_TO_SCORE, "nothing was to be scored"),
        (MetricName.EVENTS_SCORED, "events_scored"),
        (MetricName.EVENTS_GRADED, "nothing was graded"),
        (MetricName.FRAUD_GRADED, "no fraud is among the graded events"),
        (MetricName.HONEST_GRADED, "only fraud is among the graded events"),
        (MetricName.ALERTS_RAISED, "no alert was raised though fraud campaigns ran"),
    ],
)
def test_a_run_that_graded_nothing_names_the_cause(name: MetricName, cause: str) -> None:
    run = judged(Metric(name, "ratio" if name is MetricName.EVENTS_SCORED else "events", 0.0))
    assert [gate.metric.metric for gate in run.misses] == [name]
    assert cause in str(run.reason)


def test_a_figure_that_should_decide_and_was_never_stored_is_a_miss() -> None:
    run = judged(without=MetricName.EVENTS_GRADED)
    assert "nothing was graded" in str(run.reason)
