"""Records on Kafka -> rows: the one place where Spark reads what Flink and the producers wrote.

A record that breaks its contract stops no job and is not lost without a trace either: its row has ``UNREADABLE``, which
holds it with its coordinates for the quarantine, and its other columns mean nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import or_

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812

from patternalarm.contracts.bounds import FIRST_TIME_MS, LAST_TIME_MS, MAX_EVENT_BYTES
from patternalarm.contracts.quarantine import QUARANTINE_COLUMNS, QuarantineReason, Stage
from patternalarm.contracts.records import FEATURES_COLUMNS, LABEL_COLUMNS, spark_ddl

UNREADABLE = "unreadable"
"""Column of a record that cannot be read, a struct of ``QUARANTINE_COLUMNS``; null for all others."""

FEATURES_REQUIRED = (
    "event_id", "event_time_ms", "actor_id", "feature_set", "values", "source_topic", "source_partition", "source_offset",
)  # fmt: skip
LABELS_REQUIRED = ("event_id", "actor_id", "event_time_ms", "label_time_ms", "verdict")

WRONG = (
    "the record is no JSON object with {}, or one of its values is none of the contract's: mend the job that wrote it"
)

_CORRUPT = "_corrupt"
_UNREADABLE_TYPE = f"struct<{spark_ddl(QUARANTINE_COLUMNS)}>"


def parsed_features(
    records: DataFrame, stage: Stage, from_ms: int | None = None, sizes: Mapping[str, int] | None = None
) -> DataFrame:
    """Kafka rows (``value``, ``topic``, ``partition``, ``offset``) -> ``FEATURES_COLUMNS`` and ``UNREADABLE``.

    With ``from_ms`` only events with ``event_time_ms`` at or after it, and what cannot be read. ``sizes`` gives the number
    of values by feature set, of all that can be read; without it any will do.
    """

    def is_sound(record: Column) -> Column:
        infinite = F.exists(record["values"], lambda value: F.abs(value) == float("inf"))
        sound = ~F.coalesce(infinite, F.lit(False))
        if sizes is None:
            return sound
        fits = [(record["feature_set"] == name) & (F.size(record["values"]) == size) for name, size in sizes.items()]
        return sound & reduce(or_, fits, F.lit(False))

    wrong = WRONG.format(", ".join(FEATURES_REQUIRED))
    if sizes is not None:
        wrong += (
            f"; or its values are not those of feature set {' or '.join(sizes)}, which the model reads: restart the Flink "
            "job with the model's pack, or train a model on the new features"
        )
    parsed = _parsed(FEATURES_COLUMNS, FEATURES_REQUIRED, stage, is_sound, wrong)
    if from_ms is not None:
        # A where() would be pushed below the parser and parse every record a second time; a generator stays in place.
        parsed = F.filter(parsed, lambda row: row[UNREADABLE].isNotNull() | (row["event_time_ms"] >= from_ms))
    return records.select(F.inline(parsed))


def parsed_labels(records: DataFrame, stage: Stage) -> DataFrame:
    """Kafka rows (``value``, ``topic``, ``partition``, ``offset``) -> ``LABEL_COLUMNS`` and ``UNREADABLE``."""
    wrong = WRONG.format(", ".join(LABELS_REQUIRED))
    return records.select(F.inline(_parsed(LABEL_COLUMNS, LABELS_REQUIRED, stage, lambda _: F.lit(True), wrong)))


def _parsed(
    columns: dict[str, str], required: Sequence[str], stage: Stage, is_sound: Callable[[Column], Column], wrong: str
) -> Column:
    """The record as an array of one struct."""
    record = F.from_json(
        F.col("value").cast("string"),
        f"{spark_ddl(columns)}, `{_CORRUPT}` STRING",
        {"columnNameOfCorruptRecord": _CORRUPT},
    )
    quarantine = F.struct(
        F.lit(stage).alias("stage"),
        F.col("topic").alias("topic"),
        F.col("partition").alias("partition"),
        F.col("offset").alias("offset"),
        F.lit(QuarantineReason.BREAKS_CONTRACT).alias("reason"),
        F.lit(wrong).alias("detail"),
        # As text in a record of its own, a larger one could be too large for Kafka itself.
        F.substring("value", 1, MAX_EVENT_BYTES).alias("raw"),
    ).cast(_UNREADABLE_TYPE)

    def row(record: Column) -> Column:
        sound = record[_CORRUPT].isNull()
        for name in required:
            sound = sound & record[name].isNotNull()
        sound = F.coalesce(
            sound & record["event_time_ms"].between(FIRST_TIME_MS, LAST_TIME_MS) & is_sound(record), F.lit(False)
        )
        # The columns stay as they are: to ask of each whether the record is sound would cost more than to parse it.
        return F.struct(*[record[name].alias(name) for name in columns], F.when(~sound, quarantine).alias(UNREADABLE))

    return F.transform(F.array(record), row)
