"""What the figures of a run amount to: passed, or missed by how much."""

from collections.abc import Sequence
from dataclasses import dataclass

from patternalarm.grading.metrics import DESCRIPTIONS, Metric, MetricName
from patternalarm.grading.thresholds import Bound, Threshold, thresholds_of
from patternalarm.grading.wording import figure


@dataclass(frozen=True)
class GateResult:
    """One threshold of the run's kind and what was reached against it.

    ``passed`` is None when the threshold was only printed: too few campaigns, nothing measured, or a mini run.
    """

    threshold: Threshold
    metric: Metric

    @property
    def passed(self) -> bool | None:
        """Whether the figure keeps to the limit; None when it is not gated."""
        return self.metric.passed if self.metric.gated else None

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
        if value is None:
            return f"{name} was not measured (asked {self.asked})"
        if name is MetricName.LEDGER_CLOSED:
            return "the ledger is not closed"
        if limit == 0:
            return f"{name} {self.reached} (asked {self.asked})"
        distance = figure(abs(value - limit), self.metric.unit)
        side = "under" if self.threshold.bound is Bound.AT_LEAST else "over"
        return f"{name} {self.reached}, {distance} {side} the limit ({self.asked})"


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


def judge(metrics: Sequence[Metric], kind: str, level: str | None) -> Judgement:
    """Hold measured figures against the thresholds of a run's kind and level, in the thresholds' order."""
    pooled = {metric.metric: metric for metric in metrics if metric.fraud_type == "all"}
    return Judgement(
        tuple(
            GateResult(threshold, pooled[threshold.metric])
            for threshold in thresholds_of(kind, level)
            if threshold.metric in pooled
        )
    )


def describe(gate: GateResult) -> str:
    """What the gate's figure means."""
    return DESCRIPTIONS[gate.metric.metric]
