"""How well scores rank fraud above the rest, whatever the thresholds."""

from math import ceil

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def average_precision(scores: Floats, fraud: Bools) -> float | None:
    """Average precision, sum over thresholds of (recall step) x precision, no interpolation; None without any fraud.

    Equal scores pass a threshold together.
    """
    return float(average_precision_score(fraud, scores)) if fraud.any() else None


def roc_auc(scores: Floats, fraud: Bools) -> float | None:
    """Area under the ROC curve, equal scores counting half; None unless there is both fraud and none."""
    return float(roc_auc_score(fraud, scores)) if fraud.any() and not fraud.all() else None


def precision_at_budget(scores: Floats, fraud: Bools, budget: float) -> float | None:
    """Share of fraud among the highest-scored ``budget`` (a fraction) of events; None without events.

    Of equal scores at the edge of the budget as many count as fit, at their mean share of fraud, so the figure does
    not depend on the order of the rows.

    Raises:
        ValueError: ``budget`` is not within (0, 1].
    """
    if not 0 < budget <= 1:
        raise ValueError(f"an alert budget is a fraction of events above 0 and up to 1, not {budget}")
    if not len(scores):
        return None
    size = max(1, ceil(budget * len(scores) - 1e-9))
    edge = np.partition(scores, -size)[-size]
    above, at_edge = scores > edge, scores == edge
    return float((fraud[above].sum() + (size - above.sum()) * fraud[at_edge].mean()) / size)
