"""What the figures of a run amount to: passed, or missed by how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from patternalarm.grading.figures.metrics import DESCRIPTIONS, Metric, MetricName
from patternalarm.grading.figures.wording import figure
from patternalarm.grading.verdict.thresholds import Bound, GatedWhen, Threshold, thresholds_of

# What it means that there is none of something, with the remedy where there is one.
_CAUSES: Final = {
    MetricName.LEDGER_CLOSED: "the ledger is not closed",
    MetricName.EVENTS_GENERATED: "nothing was generated",
    MetricName.EVENTS_TO_SCORE: "nothing was to be scored: no featurised event lies in the measured time",
    MetricName.EVENTS_GRADED: "nothing was graded: no event of the measured time has a score",
    MetricName.FRAUD_GRADED: "no fraud is among the graded events, so nothing could be found: "
    "ask for more minutes or a higher rate, or replay a file whose test part has frauds",
    MetricName.HONEST_GRADED: "only fraud is among the graded events, so nothing could be alerted wrongly",
    MetricName.ALERTS_RAISED: "no alert was raised though fraud campaigns ran",
}


@dataclass(frozen=True)
class GateResult:
    """One threshold of the run's kind and what was reached against it.

    ``passed`` is None when the threshold was only printed; ``unjudged`` then says why.
    """

    threshold: Threshold
    metric: Metric

    @property
    def passed(self) -> bool | None:
        """Whether the figure keeps to the limit; None when it is not gated."""
        return self.metric.passed if self.metric.gated else None

    @property
    def unjudged(self) -> str | None:
        """Why the figure decides nothing; None when it does."""
        return None if self.metric.gated else str(self.threshold.gated_when)

    @property
    def off_target(self) -> bool:
        """Whether a figure that decides nothing is beside its target all the same."""
        return not self.metric.gated and self.metric.value is not None and not self.threshold.passes(self.metric.value)

    @property
    def asked(self) -> str:
        """The limit in words, as ``at least 0.80``."""
        if self.metric.unit == "yes/no":
            return "yes"
        return f"{self.threshold.bound} {figure(self.threshold.limit, self.metric.unit)}"

    @property
    def reached(self) -> str:
        """The figure in words."""
        return figure(self.metric.value, self.metric.unit, (0, 1, self.threshold.limit))

    @property
    def miss(self) -> str:
        """What was missed and by how much, as ``campaign_recall 0.74, 0.06 under the limit (at least 0.80)``."""
        name, value, limit = self.metric.metric, self.metric.value, self.threshold.limit
        if name in _CAUSES:
            return _CAUSES[name]
        if value is None:
            return f"{name} was not measured (asked {self.asked})"
        if limit == 0:
            return f"{name} {self.reached} (asked {self.asked})"
        distance = figure(abs(value - limit), self.metric.unit)
        side = "under" if self.threshold.bound in (Bound.AT_LEAST, Bound.ABOVE) else "over"
        interval = ""
        if self.threshold.gated_when is GatedWhen.DETECTION and self.metric.ci_high is not None:
            interval = f", 95 % interval up to {figure(self.metric.ci_high, self.metric.unit, (limit,))}"
        return f"{name} {self.reached}, {distance} {side} the limit ({self.asked}){interval}"


@dataclass(frozen=True)
class Judgement:
    """Every threshold of a run with its result."""

    gates: tuple[GateResult, ...]

    @property
    def misses(self) -> tuple[GateResult, ...]:
        """Gates that the run missed."""
        return tuple(gate for gate in self.gates if gate.passed is False)

    @property
    def passed(self) -> bool:
        """Whether no gate was missed."""
        return not self.misses

    @property
    def reason(self) -> str | None:
        """Every miss in one line; None of a run that passed."""
        return "; ".join(gate.miss for gate in self.misses) or None


def judge(
    metrics: Sequence[Metric], kind: str, level: str | None, *, strict: bool = True, interrupted: bool = False
) -> Judgement:
    """Hold measured figures against the thresholds of a run's kind and level, in the thresholds' order.

    A figure that should decide and was never stored is a miss like one that could not be measured.
    """
    pooled = {metric.metric: metric for metric in metrics if metric.fraud_type == "all"}
    return Judgement(
        tuple(
            GateResult(threshold, pooled.get(threshold.metric) or _never_stored(threshold))
            for threshold in thresholds_of(kind, level, strict=strict, interrupted=interrupted)
        )
    )


def _never_stored(threshold: Threshold) -> Metric:
    gated = threshold.gated_when is GatedWhen.ALWAYS
    passed = False if gated else None
    return Metric(threshold.metric, "", None, threshold=threshold.limit, gated=gated, passed=passed)


def describe(gate: GateResult) -> str:
    """What the gate's figure means."""
    return DESCRIPTIONS[gate.metric.metric]
