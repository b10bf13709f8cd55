"""Probabilities and frozen thresholds -> what a score alerts on, as pure column expressions."""

from collections.abc import Mapping, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY

# A threshold that no probability reaches: the type never alerts by score.
NEVER = 1.01


def fraud_score(scores: Column) -> Column:
    """``1 - P(legitimate)``; ``scores`` holds one probability per class, legitimate first."""
    return F.lit(1.0) - scores[0]


def leading_type_score(scores: Column, classes: Sequence[str], thresholds: Mapping[str, float]) -> Column:
    """Largest probability among the fraud types that reach their thresholds; null when none does."""
    reached = [
        F.when(scores[index] >= thresholds[fraud_type], scores[index])
        for index, fraud_type in enumerate(classes)
        if index > 0
    ]
    return F.greatest(*reached) if len(reached) > 1 else reached[0]


def with_decision(scored: DataFrame, classes: Sequence[str], thresholds: Mapping[str, float]) -> DataFrame:
    """Add ``score``, ``fraud_type`` and ``type_score`` to rows that hold ``scores``.

    ``fraud_type`` is the type with the largest probability among those at or over their thresholds (the first in the
    pack's order on a tie), else ``suspicious_activity`` when ``score`` reaches that threshold, else null: no alert.
    ``type_score`` is the probability that decided, null without a type.

    Args:
        scored: rows with ``scores``, an array of doubles in the order of ``classes``.
        classes: legitimate first, then the fraud types.
        thresholds: one per fraud type, and one for ``suspicious_activity``.
    """
    scores, score, best = F.col("scores"), F.col("score"), F.col("_best")
    suspicious = score >= thresholds[SUSPICIOUS_ACTIVITY]
    named = [
        F.when((scores[index] >= thresholds[fraud_type]) & (scores[index] == best), F.lit(fraud_type))
        for index, fraud_type in enumerate(classes)
        if index > 0
    ]
    first_named = reduce(F.coalesce, named)
    return (
        scored.withColumns({"score": fraud_score(scores), "_best": leading_type_score(scores, classes, thresholds)})
        .withColumns(
            {
                "fraud_type": F.coalesce(first_named, F.when(suspicious, F.lit(SUSPICIOUS_ACTIVITY))),
                "type_score": F.coalesce(best, F.when(suspicious, score)),
            }
        )
        .select(*scored.columns, "score", "fraud_type", "type_score")
    )
