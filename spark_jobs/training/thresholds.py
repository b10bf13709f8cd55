"""Choose the thresholds that a model alerts at, on the validation block and never on the test block.

Judged by alerts and campaigns, as the grading does, not by events: three true events of a campaign are one right alert,
three false ones of three actors are three wrong alerts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812
from scoring.decision import NEVER, with_decision

from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY
from patternalarm.contracts.domain_pack import DomainPack
from training.alert_units import campaign, episode
from training.promotion import ALERT_PRECISION_TARGETS

STEPS = 500
# For a type that validation does not hold: alert when the forest is surer of it than of everything else together.
MAJORITY = 0.5
# Fewer alerts than this say nothing about precision.
MIN_ALERTS = 5


@dataclass(frozen=True)
class AlertCurve:
    """What alerting at each threshold ``step / STEPS`` would do: alerts, right ones among them, campaigns found."""

    alerts: NDArray[np.int64]
    right: NDArray[np.int64]
    found: NDArray[np.int64]
    campaigns: int

    @classmethod
    def of_counts(
        cls,
        alerts: Iterable[tuple[int, int]],
        right: Iterable[tuple[int, int]],
        found: Iterable[tuple[int, int]],
        campaigns: int,
    ) -> "AlertCurve":
        """From pairs (step of the best score, how many); each unit counts at its step and every lower one."""

        def at_least(pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
            counts = np.zeros(STEPS + 1, dtype=np.int64)
            for step, count in pairs:
                counts[step] += count
            return counts[::-1].cumsum()[::-1]

        return cls(at_least(alerts), at_least(right), at_least(found), campaigns)

    def precision(self) -> NDArray[np.float64]:
        """Share of right alerts; 0 where too few alerts are left to tell."""
        return np.where(self.alerts >= MIN_ALERTS, self.right / np.maximum(self.alerts, 1), 0.0)

    def recall(self) -> NDArray[np.float64]:
        """Share of the campaigns found."""
        return self.found / max(self.campaigns, 1)


def lowest_precise_threshold(curve: AlertCurve, target: float) -> float | None:
    """The lowest threshold whose alerts are right at least ``target`` of the time; None if there is none."""
    precise = np.flatnonzero(curve.precision() >= target)
    precise = precise[precise > 0]
    return float(precise[0]) / STEPS if precise.size else None


def best_f_half_threshold(curve: AlertCurve) -> float | None:
    """The threshold with the largest F-0.5 of alert precision and campaign recall; None if nothing is ever right.

    F-beta after van Rijsbergen, (1 + b²)·P·R / (b²·P + R), with b = 0.5: precision counts twice as much.
    """
    precision, recall = curve.precision(), curve.recall()
    weighted = 0.25 * precision + recall
    score = np.where(weighted > 0, 1.25 * precision * recall / np.maximum(weighted, 1e-12), 0.0)
    score[0] = 0.0
    best = int(score.argmax())
    return best / STEPS if score[best] > 0 else None


def type_threshold(curve: AlertCurve, target: float) -> float:
    """Threshold of a fraud type: the lowest that keeps the precision ``target``, else the best compromise."""
    if curve.campaigns == 0:
        return MAJORITY
    return lowest_precise_threshold(curve, target) or best_f_half_threshold(curve) or MAJORITY


def pooled_recall(curves: Mapping[int, AlertCurve], thresholds: Mapping[int, float]) -> float:
    """Share of all campaigns that are found when each class index alerts from its threshold on; 0 without campaigns."""
    found = sum(int(curve.found[round(thresholds[index] * STEPS)]) for index, curve in curves.items())
    return found / max(sum(curve.campaigns for curve in curves.values()), 1)


def pooled_precision(curves: Mapping[int, AlertCurve], thresholds: Mapping[int, float]) -> float:
    """Share of right alerts among all when each class index alerts from its threshold on; 0 without alerts."""
    steps = {index: round(thresholds[index] * STEPS) for index in curves}
    right = sum(int(curve.right[steps[index]]) for index, curve in curves.items())
    return right / max(sum(int(curve.alerts[steps[index]]) for index, curve in curves.items()), 1)


def type_thresholds(curves: Mapping[int, AlertCurve]) -> tuple[dict[int, float], float]:
    """Threshold by class index, and the precision that they aim at.

    Of all targets the one whose weaker figure, pooled precision or pooled recall, is best; the most precise of equals.
    Both have the same gate, so that is the point furthest from missing one. The most precise target with a recall of .86
    was not: the next block missed the recall at .79 with .91 of the alerts right (gaming).
    """
    options = [
        ({index: type_threshold(curve, target) for index, curve in curves.items()}, target)
        for target in ALERT_PRECISION_TARGETS
    ]
    return max(
        options,
        key=lambda option: min(pooled_precision(curves, option[0]), pooled_recall(curves, option[0])),
    )


def choose_thresholds(validation: DataFrame, pack: DomainPack) -> dict[str, float]:
    """Thresholds per fraud type and for ``suspicious_activity``.

    ``validation``: rows with ``scores``, ``label``, ``actor_id``, ``event_time_ms`` and ``campaign_id``.
    """
    curves = _type_curves(validation, pack)
    by_index, target = type_thresholds(curves)
    thresholds = {name: by_index[index] for index, name in enumerate(pack.classes) if index > 0}
    thresholds[SUSPICIOUS_ACTIVITY] = _suspicious_threshold(validation, pack, thresholds, target)
    return thresholds


def _step(score: Column) -> Column:
    return F.floor(score * STEPS).cast("int")


def _type_curves(validation: DataFrame, pack: DomainPack) -> dict[int, AlertCurve]:
    """A curve per class index. A row speaks for its most probable fraud type alone, as in the decision."""
    types = F.slice("scores", 2, len(pack.classes) - 1)
    rows = validation.withColumns(
        {
            "leader": F.array_position(types, F.array_max(types)).cast("int"),
            "leader_score": F.array_max(types),
            "episode": episode(pack),
            "campaign": campaign(pack),
        }
    )
    right_score = F.when(F.col("leader") == F.col("label"), F.col("leader_score"))
    alerts = (
        rows.groupBy("actor_id", "episode", "leader")
        .agg(_step(F.max("leader_score")).alias("top"), _step(F.max(right_score)).alias("right"))
        .groupBy("leader", "top", "right")
        .count()
        .collect()
    )
    campaigns = (
        rows.where("label > 0")
        .groupBy("campaign", "label")
        .agg(_step(F.max(right_score)).alias("found"))
        .groupBy("label", "found")
        .count()
        .collect()
    )
    return {
        index: AlertCurve.of_counts(
            alerts=[(row["top"], row["count"]) for row in alerts if row["leader"] == index],
            right=[
                (row["right"], row["count"]) for row in alerts if row["leader"] == index and row["right"] is not None
            ],
            found=[
                (row["found"], row["count"]) for row in campaigns if row["label"] == index and row["found"] is not None
            ],
            campaigns=sum(row["count"] for row in campaigns if row["label"] == index),
        )
        for index in range(1, len(pack.classes))
    }


def _suspicious_threshold(
    validation: DataFrame, pack: DomainPack, thresholds: Mapping[str, float], target: float
) -> float:
    """Lowest precise threshold of ``1 - P(legitimate)`` on the rows that no type claims; ``NEVER`` if there is none.

    Judged on those rows alone: all rows together would lend it the precision of the types.
    """
    by_type = {**thresholds, SUSPICIOUS_ACTIVITY: NEVER}
    unclaimed = (
        with_decision(validation, pack.classes, by_type)
        .where("fraud_type IS NULL")
        .groupBy("actor_id", episode(pack).alias("episode"))
        .agg(
            _step(F.max("score")).alias("top"),
            _step(F.max(F.when(F.col("label") > 0, F.col("score")))).alias("right"),
        )
        .groupBy("top", "right")
        .count()
        .collect()
    )
    curve = AlertCurve.of_counts(
        alerts=[(row["top"], row["count"]) for row in unclaimed],
        right=[(row["right"], row["count"]) for row in unclaimed if row["right"] is not None],
        found=[],
        campaigns=0,
    )
    return lowest_precise_threshold(curve, target) or NEVER
