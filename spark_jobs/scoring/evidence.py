"""Decided rows -> Kafka records: every score to the scores topic, those that alert also to the evidence topic."""

from kafka.records import UNREADABLE
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from patternalarm.contracts.records import EVIDENCE_COLUMNS, SCORE_COLUMNS


def _record(columns: dict[str, str]) -> Column:
    return F.to_json(F.struct(*[F.col(name).cast(kind).alias(name) for name, kind in columns.items()]))


def to_kafka_records(decided: DataFrame, scores_topic: str, evidence_topic: str) -> DataFrame:
    """Rows ``topic, key, value`` for Spark's Kafka sink, keyed by actor_id.

    ``decided`` holds the features record's columns, ``UNREADABLE``, ``scores``, the decision's columns and
    ``model_version``. One query feeds both topics, so that the source is read and the forest asked once. What cannot be
    read goes to the evidence topic for the quarantine, and has no score.
    """
    # JSON has no NaN: a missing value leaves as null.
    missing_as_null = F.transform(F.col("values"), lambda value: F.when(~F.isnan(value), value))
    score = F.struct(F.lit(scores_topic).alias("topic"), _record(SCORE_COLUMNS).alias("value"))
    evidence = F.struct(F.lit(evidence_topic).alias("topic"), _record(EVIDENCE_COLUMNS).alias("value"))
    unreadable = F.struct(F.lit(evidence_topic).alias("topic"), F.to_json(UNREADABLE).alias("value"))
    alerts = F.col("fraud_type").isNotNull()
    sent = (
        F.when(F.col(UNREADABLE).isNotNull(), F.array(unreadable))
        .when(alerts, F.array(score, evidence))
        .otherwise(F.array(score))
    )
    return (
        decided.withColumn("values", F.when(alerts, missing_as_null))
        .withColumn("record", F.explode(sent))
        .select(
            F.col("record.topic").alias("topic"),
            F.col("actor_id").cast("string").alias("key"),
            F.col("record.value").alias("value"),
        )
    )
