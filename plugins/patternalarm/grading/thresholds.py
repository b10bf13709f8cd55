"""What a run must reach: the one place of the grading's thresholds.

The thresholds that turn a score into an alert are not here: they are frozen into the model at its promotion.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from patternalarm.contracts.runs import Level, RunKind
from patternalarm.grading.metrics import ALL_TYPES, Metric, MetricName

# Under this many fraud campaigns a figure of detection says too little to fail a run for.
MIN_CAMPAIGNS: Final = 100


class Bound(StrEnum):
    """On which side of the limit a figure passes."""

    AT_LEAST = "at least"
    AT_MOST = "at most"
    BELOW = "below"


class GatedWhen(StrEnum):
    """What it takes for a threshold to decide the verdict."""

    ALWAYS = "always"
    ENOUGH_CAMPAIGNS = "enough campaigns"
    MEASURED = "measured"
    NEVER = "never"


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
        if self.bound is Bound.AT_LEAST:
            return value >= self.limit
        return value <= self.limit if self.bound is Bound.AT_MOST else value < self.limit

    def gates(self, value: float | None, campaigns: int) -> bool:
        """Whether the threshold decides the verdict of a run with so many fraud campaigns."""
        if self.gated_when is GatedWhen.ENOUGH_CAMPAIGNS:
            return campaigns >= MIN_CAMPAIGNS
        if self.gated_when is GatedWhen.MEASURED:
            return value is not None
        return self.gated_when is GatedWhen.ALWAYS


_NOTHING_WRONG: Final = (
    Threshold(MetricName.LEDGER_CLOSED, Bound.AT_LEAST, 1, GatedWhen.ALWAYS),
    Threshold(MetricName.EVENTS_LOST, Bound.AT_MOST, 0, GatedWhen.ALWAYS),
)

_LOAD_TEST: Final = (
    *_NOTHING_WRONG,
    Threshold(MetricName.EVENTS_DUPLICATED, Bound.AT_MOST, 0, GatedWhen.ALWAYS),
    Threshold(MetricName.EVENTS_ALTERED, Bound.AT_MOST, 0, GatedWhen.ALWAYS),
    Threshold(MetricName.EVENTS_SCORED, Bound.AT_LEAST, 1, GatedWhen.ALWAYS),
    Threshold(MetricName.RATE_DEVIATION, Bound.AT_MOST, 0.02, GatedWhen.ALWAYS),
    Threshold(MetricName.CAMPAIGN_RECALL, Bound.AT_LEAST, 0.80, GatedWhen.ENOUGH_CAMPAIGNS),
    Threshold(MetricName.ALERT_PRECISION, Bound.AT_LEAST, 0.80, GatedWhen.ENOUGH_CAMPAIGNS),
)

_REPLAY: Final = (
    *_NOTHING_WRONG,
    Threshold(MetricName.AVERAGE_PRECISION, Bound.AT_LEAST, 0.60, GatedWhen.ENOUGH_CAMPAIGNS),
)


def _delays(level: Level) -> tuple[Threshold, ...]:
    # A mini run raises a handful of alerts, whose p99 is the slowest one: printed beside the target, not gated.
    when = GatedWhen.NEVER if level is Level.MINI else GatedWhen.MEASURED
    pattern = Threshold(MetricName.PATTERN_DELAY_P99, Bound.BELOW, 2_000, when)
    if level is Level.EXTREME:
        return Threshold(MetricName.SCORE_DELAY_P99, Bound.BELOW, 1_000, when), pattern
    return (
        Threshold(MetricName.SCORE_DELAY_P50, Bound.BELOW, 100, when),
        Threshold(MetricName.SCORE_DELAY_P99, Bound.BELOW, 600, when),
        pattern,
    )


def thresholds_of(kind: str, level: str | None) -> tuple[Threshold, ...]:
    """Thresholds of a run by its kind and load level; a load test without a named level is held to ``normal``."""
    if kind == RunKind.LOAD_TEST:
        return (*_LOAD_TEST, *_delays(Level(level) if level else Level.NORMAL))
    if kind == RunKind.REPLAY:
        return _REPLAY
    return _NOTHING_WRONG


def gate(metrics: Iterable[Metric], thresholds: Sequence[Threshold], campaigns: int) -> list[Metric]:
    """``metrics`` with threshold, gated and passed filled in, for a run with so many fraud campaigns."""
    limits = {threshold.metric: threshold for threshold in thresholds}
    gated = []
    for metric in metrics:
        threshold = limits.get(metric.metric) if metric.fraud_type == ALL_TYPES else None
        if threshold:
            gates = threshold.gates(metric.value, campaigns)
            passed = threshold.passes(metric.value) if gates else None
            metric = replace(metric, threshold=threshold.limit, gated=gates, passed=passed)
        gated.append(metric)
    return gated
