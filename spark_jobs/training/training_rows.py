"""The feature log and the label log -> labelled rows, as somebody at ``as-of`` could have known them."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812
from running.bad_input import BadInputError

from patternalarm.contracts.alerts import LEGITIMATE
from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.contracts.records import FEATURES_COLUMNS, LABEL_COLUMNS, spark_ddl

EVENT_IDENTITY = ("actor_id", "event_id")
ROW_COLUMNS = ("event_id", "event_time_ms", "actor_id", "campaign_id", "values", "label")


def read_log(spark: SparkSession, directory: Path, columns: dict[str, str]) -> DataFrame:
    """Rows of a Parquet log made by ``extract_features``, with the columns of its contract.

    Raises:
        BadInputError: there is no log in ``directory``.
    """
    if not any(directory.rglob("*.parquet")):
        raise BadInputError(f"no Parquet files in {directory}: make them with spark_jobs/extract_features.py")
    return spark.read.schema(spark_ddl(columns)).parquet(str(directory)).select(*columns)


def read_features(spark: SparkSession, directory: Path, pack: DomainPack) -> DataFrame:
    """Feature rows of the pack's own feature set; rows of others, from before a change of the pack, are left out.

    Raises:
        BadInputError: there are no rows, or none of this feature set.
    """
    rows = read_log(spark, directory, FEATURES_COLUMNS)
    own = rows.where(F.col("feature_set") == pack.feature_set)
    if own.isEmpty():
        found = sorted(str(row[0]) for row in rows.select("feature_set").distinct().collect())
        if not found:
            raise BadInputError(f"the feature log {directory} holds no rows: was anything written to the events topic?")
        raise BadInputError(
            f"the feature log {directory} holds feature set {', '.join(found)}, pack {pack.name} {pack.version} "
            f"computes {pack.feature_set}: run the history through the Flink job with this pack again"
        )
    return own


def read_labels(spark: SparkSession, directory: Path) -> DataFrame:
    """Rows of the label log.

    Raises:
        BadInputError: there is none.
    """
    return read_log(spark, directory, LABEL_COLUMNS)


def longest_label_delay_ms(pack: DomainPack) -> int:
    """How long after an event its label may still come, milliseconds."""
    return max(fraud_type.label_delay for fraud_type in pack.fraud_types.values())


def known_labels(labels: DataFrame, pack: DomainPack, as_of_ms: int) -> DataFrame:
    """One row per labelled event, ``actor_id, event_id, campaign_id, label``: the newest verdict known at ``as_of_ms``.

    It is known from ``label_time_ms`` on. ``label`` is the position of the verdict in ``pack.classes``. On a tie a fraud
    goes before ``legitimate``.
    """
    position = F.array_position(F.array(*[F.lit(name) for name in pack.classes]), F.col("verdict")) - 1
    newest = Window.partitionBy(*EVENT_IDENTITY).orderBy(
        F.desc("label_time_ms"), F.col("verdict") == LEGITIMATE, "verdict", "campaign_id"
    )
    return (
        labels.where(F.col("label_time_ms") <= as_of_ms)
        .withColumn("rank", F.row_number().over(newest))
        .where("rank = 1")
        .select(*EVENT_IDENTITY, "campaign_id", position.cast("int").alias("label"))
    )


def check_verdicts(labels: DataFrame, pack: DomainPack) -> None:
    """Check that every verdict is a class of the pack.

    Raises:
        BadInputError: one is not.
    """
    unknown = [row[0] for row in labels.select("verdict").distinct().collect() if row[0] not in pack.classes]
    if unknown:
        raise BadInputError(
            f"labels with verdicts that pack {pack.name} does not know: {', '.join(sorted(map(str, unknown)))}; "
            f"it knows {', '.join(pack.classes)}"
        )


def labelled_rows(features: DataFrame, labels: DataFrame, pack: DomainPack, as_of_ms: int) -> DataFrame:
    """``ROW_COLUMNS`` of every event whose verdict is settled at ``as_of_ms``.

    An event is settled once the pack's longest label delay has passed; without a label by then it is legitimate
    (``label`` 0). Younger events are left out, labelled or not: their legitimate neighbours cannot be told yet.
    """
    settled = features.where(F.col("event_time_ms") <= as_of_ms - longest_label_delay_ms(pack))
    return (
        settled.join(known_labels(labels, pack, as_of_ms), list(EVENT_IDENTITY), "left")
        .withColumn("label", F.coalesce("label", F.lit(0)))
        .select(*ROW_COLUMNS)
    )
