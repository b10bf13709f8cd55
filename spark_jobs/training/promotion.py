"""What a model must reach to be promoted. The only place of these numbers.

Judged on the held-out test block, with the thresholds frozen in the model, all fraud types pooled; figures of single
types are reported beside them and gate nothing, since a rare type has too few campaigns to tell.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Precisions that thresholds may aim at on the validation block, the highest first. All lie above the gate: a new block
# is never quite like the last one.
ALERT_PRECISION_TARGETS = (0.94, 0.92, 0.9, 0.88, 0.86, 0.84)

MIN_CAMPAIGN_RECALL = 0.8
MIN_ALERT_PRECISION = 0.8
MIN_AVERAGE_PRECISION = 0.6
MIN_CAMPAIGNS = 20
# forest.npz explains what the pipeline scored, so the two must agree to rounding.
MAX_EXPORT_DIFFERENCE = 1e-9
# The saved model, loaded again, must repeat the report it was saved with.
MAX_REPORT_DIFFERENCE = 1e-6


@dataclass(frozen=True)
class Gate:
    """One gate: ``value`` must be at least (``at_least``) or at most ``limit``; a missing value does not pass."""

    name: str
    value: float | None
    limit: float
    at_least: bool = True

    @property
    def passed(self) -> bool:
        """Whether the value is there and on the right side of the limit."""
        if self.value is None:
            return False
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def sentence(self) -> str:
        """The verdict in words."""
        value = "missing" if self.value is None else f"{self.value:.4g}"
        side = "at least" if self.at_least else "at most"
        return f"{self.name} is {value}, asked is {side} {self.limit:g}: {'passed' if self.passed else 'missed'}"


def promotion_gates(metrics: Mapping[str, Any], export_difference: float, report_difference: float) -> list[Gate]:
    """The gates of a model.

    Args:
        metrics: report of the held-out block (see ``evaluation.report``).
        export_difference: largest difference between a probability of the pipeline and of ``forest.npz``.
        report_difference: largest difference between this report's pooled figures and those in the metadata.
    """
    pooled = metrics["all"]
    return [
        Gate("campaigns in the held-out block", pooled["campaigns"], MIN_CAMPAIGNS),
        Gate("campaign recall", pooled["campaign_recall"], MIN_CAMPAIGN_RECALL),
        Gate("alert precision", pooled["alert_precision"], MIN_ALERT_PRECISION),
        Gate("average precision of the score", pooled["average_precision"], MIN_AVERAGE_PRECISION),
        Gate("difference of forest.npz", export_difference, MAX_EXPORT_DIFFERENCE, at_least=False),
        Gate("difference to the saved report", report_difference, MAX_REPORT_DIFFERENCE, at_least=False),
    ]
