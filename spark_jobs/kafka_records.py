"""Records on Kafka -> rows: the one place where Spark reads what Flink and the producers wrote.

Flink and the producers write these topics from their own code, so an unreadable record is a defect. It fails the query
with its coordinates, since skipping it would lose an event without a trace.
"""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from patternalarm.contracts.records import FEATURES_COLUMNS, LABEL_COLUMNS, spark_ddl


def parsed_features(records: DataFrame, from_ms: int | None = None) -> DataFrame:
    """Kafka rows (``value``, ``topic``, ``partition``, ``offset``) -> ``FEATURES_COLUMNS``.

    With ``from_ms`` only events with ``event_time_ms`` at or after it.
    """
    parsed = _parsed(FEATURES_COLUMNS, required=("event_id", "event_time_ms"))
    if from_ms is not None:
        # A where() would be pushed below the parser and parse every record a second time; a generator stays in place.
        parsed = F.filter(parsed, lambda record: record["event_time_ms"] >= from_ms)
    return records.select(F.inline(parsed))


def parsed_labels(records: DataFrame) -> DataFrame:
    """Kafka rows (``value``, ``topic``, ``partition``, ``offset``) -> ``LABEL_COLUMNS``."""
    required = ("event_id", "event_time_ms", "label_time_ms", "verdict")
    return records.select(F.inline(_parsed(LABEL_COLUMNS, required=required)))


def _parsed(columns: dict[str, str], required: Sequence[str]) -> Column:
    """The record as an array of one struct; one that lacks a required field, or is no JSON, fails the query."""
    record = F.from_json(F.col("value").cast("string"), spark_ddl(columns))
    unreadable = F.concat_ws(
        "",
        F.lit("topic "),
        "topic",
        F.lit(", partition "),
        "partition",
        F.lit(", offset "),
        "offset",
        F.lit(f": the record is no JSON object with {', '.join(required)}; mend the job that wrote it"),
    )

    def checked(record: Column) -> Column:
        complete = F.lit(True)
        for name in required:
            complete = complete & record[name].isNotNull()
        return F.when(complete, record).otherwise(F.raise_error(unreadable))

    return F.transform(F.array(record), checked)
