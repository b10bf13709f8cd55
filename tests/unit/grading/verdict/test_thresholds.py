import pytest

from patternalarm.contracts.runs import Level, RunKind
from patternalarm.grading.figures.metrics import Metric, MetricName, proportion, with_interval
from patternalarm.grading.verdict.judgement import judge
from patternalarm.grading.verdict.thresholds import MIN_CAMPAIGNS, gate, thresholds_of


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


DETECTION = [
    ("load-test", MetricName.CAMPAIGN_RECALL),
    ("load-test", MetricName.ALERT_PRECISION),
    ("replay", MetricName.AVERAGE_PRECISION),
]


def of_cases(kind: str, name: MetricName, share: float, cases: int, campaigns: int, level: str = "normal"):
    metric = with_interval(Metric(name, "ratio", share), cases)
    return gate([metric], thresholds_of(kind, level if kind == "load-test" else None), campaigns)[0]


@pytest.mark.parametrize(("kind", "name"), DETECTION)
def test_under_a_hundred_campaigns_a_figure_misses_when_its_interval_does(kind: str, name: MetricName) -> None:
    near = of_cases(kind, name, 0.55, 20, MIN_CAMPAIGNS - 1)
    assert near.ci_high is not None
    assert near.ci_high > 0.6
    far = of_cases(kind, name, 0.1, 20, MIN_CAMPAIGNS - 1)
    assert (far.gated, far.passed) == (True, False)
    # From a hundred campaigns on the figure alone decides, however wide its interval is.
    assert of_cases(kind, name, 0.55, 20, MIN_CAMPAIGNS).passed is False


def test_a_figure_under_its_limit_whose_interval_reaches_it_is_printed() -> None:
    few = of_cases("load-test", MetricName.CAMPAIGN_RECALL, 0.75, 20, MIN_CAMPAIGNS - 1)
    assert (few.gated, few.passed, few.threshold) == (False, None, 0.80)


@pytest.mark.parametrize("level", ["mini", "normal", "peak", "extreme"])
@pytest.mark.parametrize("campaigns", [1, 2, 99, 100])
def test_no_alerts_where_campaigns_ran_is_a_miss_at_every_level_and_length(level: str, campaigns: int) -> None:
    metrics = [
        proportion(MetricName.CAMPAIGN_RECALL, 0, campaigns),
        proportion(MetricName.ALERT_PRECISION, 0, 0),
        Metric(MetricName.ALERTS_RAISED, "alerts", 0.0),
    ]
    assert metrics[1].value is None
    judged = gate(metrics, thresholds_of("load-test", level), campaigns)
    assert [(metric.metric, metric.passed) for metric in judged] == [(metric.metric, False) for metric in metrics]


def test_without_campaigns_detection_says_nothing() -> None:
    for name in (MetricName.CAMPAIGN_RECALL, MetricName.ALERT_PRECISION, MetricName.ALERTS_RAISED):
        assert not gated(name, None, campaigns=0).gated
    assert gated(MetricName.FRAUD_GRADED, 0.0, campaigns=0).passed is False


@pytest.mark.parametrize("kind", ["load-test", "replay"])
@pytest.mark.parametrize(
    "name",
    [
        MetricName.EVENTS_GENERATED,
        MetricName.EVENTS_TO_SCORE,
        MetricName.EVENTS_GRADED,
        MetricName.FRAUD_GRADED,
        MetricName.HONEST_GRADED,
        MetricName.EVENTS_SCORED,
        MetricName.ALERTS_RAISED,
    ],
)
def test_a_run_that_lacks_it_graded_nothing(kind: str, name: MetricName) -> None:
    for value in (0.0, None):
        assert gated(name, value, kind).passed is False
    assert gated(name, 1.0, kind).passed is True


SPEED = {
    MetricName.RATE_DEVIATION: 0.5,
    MetricName.EVENTS_BEHIND_WATERMARK: 3.0,
    MetricName.SCORE_DELAY_P50: 9_000.0,
    MetricName.SCORE_DELAY_P99: 9_000.0,
    MetricName.PATTERN_DELAY_P99: 9_000.0,
}


@pytest.mark.parametrize(("name", "bad"), SPEED.items())
def test_speed_fails_a_strict_run_and_stands_beside_its_target_in_another(name: MetricName, bad: float) -> None:
    metric = Metric(name, "", bad)
    strict, lenient = (gate([metric], thresholds_of("load-test", "normal", strict=s), 200)[0] for s in (True, False))
    assert strict.passed is False
    assert (lenient.gated, lenient.passed) == (False, None)
    assert lenient.threshold == strict.threshold


def test_only_speed_is_let_go_in_a_run_that_is_not_strict() -> None:
    strict, lenient = (thresholds_of("load-test", "normal", strict=s) for s in (True, False))
    assert {one.metric for one, other in zip(strict, lenient, strict=True) if one != other} == set(SPEED)


@pytest.mark.parametrize("strict", [True, False])
def test_only_speed_is_let_go_in_a_run_that_was_interrupted(strict: bool) -> None:
    whole, interrupted = (thresholds_of("load-test", "normal", strict=strict, interrupted=i) for i in (False, True))
    assert {one.metric for one, other in zip(whole, interrupted, strict=True) if one != other} == set(SPEED)
    gated_still = gate([Metric(name, "", bad) for name, bad in SPEED.items()], interrupted, 200)
    assert not any(metric.gated for metric in gated_still)


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


@pytest.mark.parametrize("name", [MetricName.CAMPAIGN_RECALL, MetricName.ALERT_PRECISION])
@pytest.mark.parametrize(
    ("hits", "cases", "campaigns", "passed"),
    [
        (0, 0, 0, None),
        (0, 0, 1, False),
        (0, 1, 1, False),
        (1, 1, 1, None),
        (79, 99, 99, None),
        (69, 99, 99, False),
        (79, 100, 100, False),
        (80, 100, 100, True),
        (0, 0, 100, False),
    ],
)
def test_the_smallest_counts_and_exactly_a_hundred_campaigns(
    name: MetricName, hits: int, cases: int, campaigns: int, passed: bool | None
) -> None:
    for level in Level:
        (judged,) = gate([proportion(name, hits, cases)], thresholds_of("load-test", level), campaigns)
        assert (judged.gated, judged.passed) == (passed is not None, passed)


SCORELESS = sorted(set(RunKind) - {RunKind.LOAD_TEST, RunKind.REPLAY})


@pytest.mark.parametrize("kind", SCORELESS)
def test_a_run_without_scores_is_held_to_its_ledger_and_to_having_had_events(kind: RunKind) -> None:
    assert {threshold.metric for threshold in thresholds_of(kind, None)} == {
        MetricName.LEDGER_CLOSED,
        MetricName.EVENTS_LOST,
        MetricName.EVENTS_GENERATED,
    }
    figures = {MetricName.LEDGER_CLOSED: 1.0, MetricName.EVENTS_LOST: 0.0, MetricName.EVENTS_GENERATED: 0.0}
    for generated in (0.0, 1.0):
        metrics = [
            Metric(name, "", value) for name, value in {**figures, MetricName.EVENTS_GENERATED: generated}.items()
        ]
        verdict = judge(gate(metrics, thresholds_of(kind, None), 0), kind, None)
        assert verdict.reason == (None if generated else "nothing was generated")
