"""The report of a model on a block of labelled rows, by event, by alert and by campaign, per fraud type and pooled.

An alert is the decision's rows of one actor, type and episode; it is right when it holds an event of a fraud of its
type. A campaign is found when an alert of its type holds one of its events. The pooled figures (``all``) ignore types;
``suspicious_activity`` counts there alone.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F  # noqa: N812

from patternalarm.contracts.domain_pack import DomainPack
from training.alert_units import campaign, episode

ALL = "all"
SCORE_STEPS = 10_000


def ratio(part: int, whole: int) -> float | None:
    """``part / whole``; None when there is nothing to divide by."""
    return part / whole if whole else None


def average_precision(counts: Iterable[tuple[int, int, int]]) -> float | None:
    """Area under the precision-recall curve as ``Σ (Rₖ - Rₖ₋₁)·Pₖ`` over falling scores; None without positives.

    Args:
        counts: (score step, rows at it, positives among them), in any order.
    """
    steps = np.array(sorted(counts, reverse=True), dtype=np.float64).reshape(-1, 3)
    positives = steps[:, 2].sum()
    if positives == 0:
        return None
    precision = steps[:, 2].cumsum() / steps[:, 1].cumsum()
    return float((steps[:, 2] / positives * precision).sum())


def report(decided: DataFrame, pack: DomainPack, block: str) -> dict[str, Any]:
    """Figures of ``decided`` rows (``with_decision`` over rows with ``label``, ``actor_id``, ``event_time_ms``,
    ``campaign_id``), which the caller has cached.

    Returns:
        ``{block, rows, types: {type: figures}, all: figures}``; figures are counts (events, flagged_events,
        true_flags, alerts, right_alerts, campaigns, found_campaigns) and ratios (event_precision, event_recall,
        alert_precision, campaign_recall, average_precision), a ratio without a denominator being None.
    """
    rows = decided.withColumn("label_name", F.element_at(F.array(*map(F.lit, pack.classes)), F.col("label") + 1))
    events = rows.groupBy("label_name", "fraud_type").count().collect()
    alerts = _alerts(rows, pack)
    campaigns = _campaigns(rows, pack)
    curve = _score_counts(rows, pack)
    legitimate, fraud_types = pack.classes[0], pack.classes[1:]

    def figures(name: str) -> dict[str, Any]:
        pooled = name == ALL
        fraud = [r for r in events if (r["label_name"] != legitimate if pooled else r["label_name"] == name)]
        flagged = [r for r in events if (r["fraud_type"] is not None if pooled else r["fraud_type"] == name)]
        true_flags = sum(r["count"] for r in flagged if r in fraud)
        own_alerts = [r for r in alerts if pooled or r["fraud_type"] == name]
        right_column = "right_any" if pooled else "right_type"
        own_campaigns = [r for r in campaigns if pooled or r["label_name"] == name]
        found_column = "found_any" if pooled else "found_type"
        counts = {
            "events": _total(fraud),
            "flagged_events": _total(flagged),
            "true_flags": true_flags,
            "alerts": _total(own_alerts),
            "right_alerts": sum(r[right_column] for r in own_alerts),
            "campaigns": _total(own_campaigns),
            "found_campaigns": sum(r[found_column] for r in own_campaigns),
        }
        return {
            **counts,
            "event_precision": ratio(true_flags, counts["flagged_events"]),
            "event_recall": ratio(true_flags, counts["events"]),
            "alert_precision": ratio(counts["right_alerts"], counts["alerts"]),
            "campaign_recall": ratio(counts["found_campaigns"], counts["campaigns"]),
            "average_precision": average_precision(
                (r["step"], r["rows"], r["positives"]) for r in curve if r["name"] == name
            ),
        }

    return {
        "block": block,
        "rows": _total(events),
        "types": {name: figures(name) for name in fraud_types},
        ALL: figures(ALL),
    }


def _total(rows: Iterable[Row]) -> int:
    return sum(row["count"] for row in rows)


def _alerts(rows: DataFrame, pack: DomainPack) -> list[Row]:
    alerts: list[Row] = (
        rows.where("fraud_type IS NOT NULL")
        .groupBy("actor_id", episode(pack), "fraud_type")
        .agg(
            F.max((F.col("label_name") == F.col("fraud_type")).cast("int")).alias("type"),
            F.max((F.col("label") > 0).cast("int")).alias("any"),
        )
        .groupBy("fraud_type")
        .agg(F.count("*").alias("count"), F.sum("type").alias("right_type"), F.sum("any").alias("right_any"))
        .collect()
    )
    return alerts


def _campaigns(rows: DataFrame, pack: DomainPack) -> list[Row]:
    campaigns: list[Row] = (
        rows.where("label > 0")
        .groupBy(campaign(pack), "label_name")
        .agg(
            F.max(F.coalesce(F.col("label_name") == F.col("fraud_type"), F.lit(False)).cast("int")).alias("type"),
            F.max(F.col("fraud_type").isNotNull().cast("int")).alias("any"),
        )
        .groupBy("label_name")
        .agg(F.count("*").alias("count"), F.sum("type").alias("found_type"), F.sum("any").alias("found_any"))
        .collect()
    )
    return campaigns


def _score_counts(rows: DataFrame, pack: DomainPack) -> list[Row]:
    """Rows and positives per score step, for each fraud type's probability and, as ``all``, for ``score``."""
    judged = [
        F.struct(
            F.lit(name).alias("name"),
            F.col("scores")[index].alias("score"),
            (F.col("label") == index).cast("int").alias("positive"),
        )
        for index, name in enumerate(pack.classes)
        if index > 0
    ]
    pooled = F.struct(
        F.lit(ALL).alias("name"), F.col("score").alias("score"), (F.col("label") > 0).cast("int").alias("positive")
    )
    counts: list[Row] = (
        rows.select(F.inline(F.array(*judged, pooled)))
        .groupBy("name", F.floor(F.col("score") * SCORE_STEPS).cast("int").alias("step"))
        .agg(F.count("*").alias("rows"), F.sum("positive").alias("positives"))
        .collect()
    )
    return counts
