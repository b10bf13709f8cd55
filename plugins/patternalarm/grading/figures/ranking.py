"""How well scores rank fraud above the rest, whatever the thresholds."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def average_precision(scores: Floats, fraud: Bools) -> float | None:
    """Average precision, sum over thresholds of (recall step) x precision; None without any fraud.

    Equal scores pass a threshold together. Source: scikit-learn's ``average_precision_score``, no interpolation.
    """
    if not fraud.any():
        return None
    passed, caught = _by_threshold(scores, fraud)
    steps = np.diff(caught, prepend=0) / fraud.sum()
    return float(np.sum(steps * caught / passed))


def roc_auc(scores: Floats, fraud: Bools) -> float | None:
    """Area under the ROC curve, equal scores counting half; None unless there is both fraud and none.

    It is the Mann-Whitney U statistic over (frauds x others): the trapezoids below the curve's corners.
    """
    frauds, others = int(fraud.sum()), int((~fraud).sum())
    if not frauds or not others:
        return None
    passed, caught = _by_threshold(scores, fraud)
    true_rate = np.concatenate(([0.0], caught / frauds))
    false_rate = np.concatenate(([0.0], (passed - caught) / others))
    return float(np.sum(np.diff(false_rate) * (true_rate[1:] + true_rate[:-1]) / 2))


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
    passed, caught = _by_threshold(scores, fraud)
    edge = int(np.searchsorted(passed, size))
    before_passed, before_caught = (passed[edge - 1], caught[edge - 1]) if edge else (0, 0)
    at_edge = (caught[edge] - before_caught) / (passed[edge] - before_passed)
    return float((before_caught + (size - before_passed) * at_edge) / size)


def _by_threshold(scores: Floats, fraud: Bools) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each distinct score, highest first: events, and frauds, that score at least as much."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_equals = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    return (last_of_equals + 1).astype(np.int64), np.cumsum(fraud[order], dtype=np.int64)[last_of_equals]
