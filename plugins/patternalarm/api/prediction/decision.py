"""Probabilities and frozen thresholds -> what a score alerts on; ``spark_jobs/scoring/decision.py`` is the same in Spark."""

from collections.abc import Mapping, Sequence

from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY


def decide(
    scores: Sequence[float], classes: Sequence[str], thresholds: Mapping[str, float]
) -> tuple[str, float] | None:
    """The alert's type and the probability that decided, or None: no alert.

    Args:
        scores: one probability per class.
        classes: legitimate first, then the fraud types.
        thresholds: one per fraud type, and one for ``suspicious_activity``.
    """
    reached = [(score, name) for score, name in zip(scores[1:], classes[1:], strict=True) if score >= thresholds[name]]
    if reached:
        # The first in the pack's order on a tie.
        best = max(score for score, _ in reached)
        return next(name for score, name in reached if score == best), best
    fraud = 1.0 - scores[0]
    return (SUSPICIOUS_ACTIVITY, fraud) if fraud >= thresholds[SUSPICIOUS_ACTIVITY] else None
