"""Records on Kafka -> rows: the one place where Spark reads what Flink and the producers wrote.

Flink and the producers write these topics from their own code, so a record that is no JSON is a defect; it fails the
query, since skipping it would lose an event without a trace.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from patternalarm.contracts.records import FEATURES_COLUMNS, LABEL_COLUMNS, spark_ddl


def parsed_features(records: DataFrame, from_ms: int | None = None) -> DataFrame:
    """Kafka rows (binary ``value``) -> ``FEATURES_COLUMNS``, those with ``event_time_ms`` ≥ ``from_ms`` if given."""
    record = _parsed(FEATURES_COLUMNS)
    if from_ms is None:
        return records.select(record.alias("record")).select("record.*")
    # A where() would be pushed below the parser and parse every record a second time; a generator stays where it is.
    wanted = F.filter(F.array(record), lambda parsed: parsed["event_time_ms"] >= from_ms)
    return records.select(F.inline(wanted))


def parsed_labels(records: DataFrame) -> DataFrame:
    """Kafka rows (binary ``value``) -> ``LABEL_COLUMNS``."""
    return records.select(_parsed(LABEL_COLUMNS).alias("record")).select("record.*")


def _parsed(columns: dict[str, str]) -> Column:
    return F.from_json(F.col("value").cast("string"), spark_ddl(columns), {"mode": "FAILFAST"})
