"""What a run must reach: the one place of the grading's thresholds.

The thresholds that turn a score into an alert are not here: they are frozen into the model at its promotion.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from patternalarm.contracts.alerts import ALL_TYPES
from patternalarm.contracts.runs import Level, RunKind
from patternalarm.grading.figures.metrics import Metric, MetricName

# From this many fraud campaigns on, a figure of detection is held to its limit as it stands. Under it, chance alone may
# put it there, so it misses only when its interval lies under the limit.
MIN_CAMPAIGNS: Final = 100


class Bound(StrEnum):
    """On which side of the limit a figure passes."""

    AT_LEAST = "at least"
    ABOVE = "above"
    AT_MOST = "at most"
    BELOW = "below"


class GatedWhen(StrEnum):
    """What it takes for a threshold to decide the verdict, and in words, why it did not."""

    ALWAYS = "always"
    CAMPAIGNS_RAN = "no fraud campaign ran"
    DETECTION = f"under {MIN_CAMPAIGNS} fraud campaigns, and the interval reaches the limit"
    MEASURED = "there was nothing to measure"
    NOT_IN_MINI = "a mini run has too few alerts"
    NOT_STRICT = "the run is not strict"
    NOT_INTERRUPTED = "the run was interrupted"


@dataclass(frozen=True)
class Threshold:
    """A limit on the pooled figure ``metric``."""

    metric: MetricName
    bound: Bound
    limit: float
    gated_when: GatedWhen

    def passes(self, value: float | None) -> bool:
        """Whether ``value`` keeps to the limit; no value does not."""
        if value is None:
            return False
        match self.bound:
            case Bound.AT_LEAST:
                return value >= self.limit
            case Bound.ABOVE:
                return value > self.limit
            case Bound.AT_MOST:
                return value <= self.limit
            case Bound.BELOW:
                return value < self.limit

    def judge(self, metric: Metric, campaigns: int) -> bool | None:
        """Whether ``metric`` passes in a run with so many fraud campaigns; None when it decides nothing.

        A figure of detection that has no value though campaigns ran is a miss: nothing was alerted.
        """
        match self.gated_when:
            case GatedWhen.NOT_IN_MINI | GatedWhen.NOT_STRICT | GatedWhen.NOT_INTERRUPTED:
                return None
            case GatedWhen.CAMPAIGNS_RAN if not campaigns:
                return None
            case GatedWhen.MEASURED if metric.value is None:
                return None
            case GatedWhen.DETECTION if campaigns < MIN_CAMPAIGNS:
                if not campaigns or (metric.value is not None and metric.ci_high is None):
                    return None
                return None if self.passes(metric.ci_high) else False
        return self.passes(metric.value)


# A run in which one of these is missing was no test: its other figures pass for want of anything that could miss.
_SOMETHING_GENERATED: Final = (Threshold(MetricName.EVENTS_GENERATED, Bound.AT_LEAST, 1, GatedWhen.ALWAYS),)

_SOMETHING_GRADED: Final = (
    *_SOMETHING_GENERATED,
    Threshold(MetricName.EVENTS_TO_SCORE, Bound.AT_LEAST, 1, GatedWhen.ALWAYS),
    Threshold(MetricName.EVENTS_GRADED, Bound.AT_LEAST, 1, GatedWhen.ALWAYS),
    Threshold(MetricName.FRAUD_GRADED, Bound.AT_LEAST, 1, GatedWhen.ALWAYS),
    Threshold(MetricName.HONEST_GRADED, Bound.AT_LEAST, 1, GatedWhen.ALWAYS),
    Threshold(MetricName.ALERTS_RAISED, Bound.AT_LEAST, 1, GatedWhen.CAMPAIGNS_RAN),
)

_NOTHING_WRONG: Final = (
    Threshold(MetricName.LEDGER_CLOSED, Bound.AT_LEAST, 1, GatedWhen.ALWAYS),
    Threshold(MetricName.EVENTS_LOST, Bound.AT_MOST, 0, GatedWhen.ALWAYS),
)

_LOAD_TEST: Final = (
    *_NOTHING_WRONG,
    Threshold(MetricName.EVENTS_DUPLICATED, Bound.AT_MOST, 0, GatedWhen.ALWAYS),
    Threshold(MetricName.EVENTS_ALTERED, Bound.AT_MOST, 0, GatedWhen.ALWAYS),
    *_SOMETHING_GRADED,
    Threshold(MetricName.EVENTS_SCORED, Bound.AT_LEAST, 1, GatedWhen.ALWAYS),
    Threshold(MetricName.CAMPAIGN_RECALL, Bound.AT_LEAST, 0.80, GatedWhen.DETECTION),
    Threshold(MetricName.ALERT_PRECISION, Bound.AT_LEAST, 0.80, GatedWhen.DETECTION),
)

_REPLAY: Final = (
    *_NOTHING_WRONG,
    *_SOMETHING_GRADED,
    Threshold(MetricName.EVENTS_SCORED, Bound.AT_LEAST, 1, GatedWhen.ALWAYS),
    Threshold(MetricName.AVERAGE_PRECISION, Bound.AT_LEAST, 0.60, GatedWhen.DETECTION),
    # Of very few campaigns that interval reaches anything; scores that rank no better than a constant show at once.
    Threshold(MetricName.ROC_AUC, Bound.ABOVE, 0.5, GatedWhen.CAMPAIGNS_RAN),
)


def _speed(level: Level, *, strict: bool, interrupted: bool) -> tuple[Threshold, ...]:
    """What a busy machine alone can miss: it fails a strict run, and stands beside its target in another, and in one that
    lost a part on the way."""
    off = GatedWhen.NOT_INTERRUPTED if interrupted else None if strict else GatedWhen.NOT_STRICT
    always, measured = off or GatedWhen.ALWAYS, off or GatedWhen.MEASURED
    # A mini run raises a handful of alerts, whose p99 is the slowest one: printed beside the target, not gated.
    measured = GatedWhen.NOT_IN_MINI if level is Level.MINI else measured
    score_p99 = 1_000 if level is Level.EXTREME else 600
    return (
        Threshold(MetricName.EVENTS_BEHIND_WATERMARK, Bound.AT_MOST, 0, always),
        Threshold(MetricName.RATE_DEVIATION, Bound.AT_MOST, 0.02, always),
        *(() if level is Level.EXTREME else (Threshold(MetricName.SCORE_DELAY_P50, Bound.BELOW, 100, measured),)),
        Threshold(MetricName.SCORE_DELAY_P99, Bound.BELOW, score_p99, measured),
        Threshold(MetricName.PATTERN_DELAY_P99, Bound.BELOW, 2_000, measured),
    )


def thresholds_of(
    kind: str, level: str | None, *, strict: bool = True, interrupted: bool = False
) -> tuple[Threshold, ...]:
    """Thresholds of a run by its kind and load level; a load test without a named level is held to ``normal``.

    ``strict`` says whether speed decides the verdict too; it does not when the run was ``interrupted``.
    """
    if kind == RunKind.LOAD_TEST:
        named = Level(level) if level else Level.NORMAL
        return (*_LOAD_TEST, *_speed(named, strict=strict, interrupted=interrupted))
    if kind == RunKind.REPLAY:
        return _REPLAY
    # Without scores there is nothing to grade, but what a run was made of must have been there.
    return (*_NOTHING_WRONG, *_SOMETHING_GENERATED)


def gate(metrics: Iterable[Metric], thresholds: Sequence[Threshold], campaigns: int) -> list[Metric]:
    """``metrics`` with threshold, gated and passed filled in, for a run with so many fraud campaigns."""
    limits = {threshold.metric: threshold for threshold in thresholds}
    gated = []
    for metric in metrics:
        threshold = limits.get(metric.metric) if metric.fraud_type == ALL_TYPES else None
        if threshold:
            passed = threshold.judge(metric, campaigns)
            metric = replace(metric, threshold=threshold.limit, gated=passed is not None, passed=passed)
        gated.append(metric)
    return gated
