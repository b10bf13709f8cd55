from dataclasses import replace

from patternalarm.grading.judgement import judge
from patternalarm.grading.metrics import Metric, MetricName, proportion
from patternalarm.grading.thresholds import gate, thresholds_of


def judged(*changed: Metric, campaigns: int = 200):
    """A load test at its best, but for the figures given."""
    best = {
        metric.metric: metric
        for metric in (
            Metric(MetricName.LEDGER_CLOSED, "yes/no", 1.0),
            Metric(MetricName.EVENTS_LOST, "events", 0.0),
            Metric(MetricName.EVENTS_DUPLICATED, "rows", 0.0),
            Metric(MetricName.EVENTS_ALTERED, "events", 0.0),
            Metric(MetricName.EVENTS_SCORED, "ratio", 1.0),
            Metric(MetricName.RATE_DEVIATION, "ratio", 0.001),
            proportion(MetricName.CAMPAIGN_RECALL, 180, 200),
            proportion(MetricName.ALERT_PRECISION, 180, 200),
            Metric(MetricName.SCORE_DELAY_P50, "ms", 30.0),
            Metric(MetricName.SCORE_DELAY_P99, "ms", 200.0),
            Metric(MetricName.PATTERN_DELAY_P99, "ms", 900.0),
        )
    }
    best.update({metric.metric: metric for metric in changed})
    metrics = gate(best.values(), thresholds_of("load-test", "normal"), campaigns)
    # A figure of one fraud type must never be taken for the pooled one.
    metrics.append(replace(proportion(MetricName.CAMPAIGN_RECALL, 0, 9, "card_testing"), gated=False))
    return judge(metrics, "load-test", "normal")


def test_best_run_passes() -> None:
    best = judged()
    assert best.passed
    assert best.reason is None
    assert len(best.gates) == 11


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
        "rate_deviation was not measured (asked at most 0.02); "
        "campaign_recall 0.74, 0.06 under the limit (at least 0.80); "
        "score_alert_delay_p99 700 ms, 100 ms over the limit (below 600 ms)"
    )


def test_a_miss_by_a_hair_does_not_read_as_a_pass() -> None:
    run = judged(Metric(MetricName.RATE_DEVIATION, "ratio", 0.0201))
    assert run.reason == "rate_deviation 0.0201, 0.0001 over the limit (at most 0.02)"


def test_too_few_campaigns_miss_nothing() -> None:
    run = judged(proportion(MetricName.CAMPAIGN_RECALL, 1, 99), campaigns=99)
    assert run.passed
    assert [gate.passed for gate in run.gates if gate.metric.metric is MetricName.CAMPAIGN_RECALL] == [None]
