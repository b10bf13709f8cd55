"""Archive a scope's features and labels topics as Parquet: the feature log and the label log that training reads.

Redelivered copies are dropped by identity: a features record by its source coordinates, a label by all of its fields.
Both logs are partitioned by ``event_date`` (UTC day of the event). Run again, with newer records in the topics, it adds
what is new and changes nothing else. Records that break their contract stop nothing: they go to the quarantine directory,
one JSON file a record's topic, and their number is told.
"""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from kafka.endpoint import check_answers, partitions_of
from kafka.records import UNREADABLE, parsed_features, parsed_labels
from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from running.bad_input import BadInputError, run_job
from running.session import build_session

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.quarantine import Stage
from patternalarm.contracts.records import FEATURES_COLUMNS, LABEL_COLUMNS, spark_ddl
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.settings import get_settings

LOG = logging.getLogger("extract_features")

FEATURES_IDENTITY = ["source_topic", "source_partition", "source_offset"]
LABELS_IDENTITY = list(LABEL_COLUMNS)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack")
    parser.add_argument("--scope", required=True, help="'live' or a run_id")
    parser.add_argument("--features", required=True, type=Path, help="directory of the feature log")
    parser.add_argument("--labels", required=True, type=Path, help="directory of the label log")
    parser.add_argument(
        "--quarantine",
        type=Path,
        default=None,
        help="directory of records that cannot be read (default: quarantine, beside the feature log)",
    )
    return parser.parse_args(argv)


def read_topic(spark: SparkSession, bootstrap: str, topic: str) -> DataFrame:
    """All records that ``topic`` holds now."""
    return (
        spark.read.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("endingOffsets", "latest")
        .load()
    )


def merge_into_log(rows: DataFrame, directory: Path, columns: dict[str, str], identity: list[str]) -> int:
    """Add ``rows`` to the log in ``directory``, each identity once; the number of rows of the days that were touched.

    Only the days that ``rows`` fall into are written again, each replaced as a whole.
    """
    spark = rows.sparkSession
    dated = rows.select(*columns).withColumn("event_date", F.to_date(F.timestamp_millis("event_time_ms")))
    if any(directory.rglob("*.parquet")):
        days = [row[0] for row in dated.select("event_date").distinct().collect()]
        # By its schema, or a log from before a column was added could never be added to.
        log = (
            spark.read.schema(f"{spark_ddl(columns)}, event_date DATE")
            .parquet(str(directory))
            .where(F.col("event_date").isin(days))
        )
        dated = dated.unionByName(log.select(*columns, "event_date"))
    merged = dated.dropDuplicates(identity).repartition("event_date").cache()
    merged.write.partitionBy("event_date").option("partitionOverwriteMode", "dynamic").mode("overwrite").parquet(
        str(directory)
    )
    count: int = merged.count()
    merged.unpersist()
    return count


def archive(
    parsed: DataFrame, directory: Path, columns: dict[str, str], identity: list[str], quarantine: Path
) -> tuple[int, int]:
    """Add what can be read to the log and write the rest to ``quarantine``; rows of the days touched, and of the rest."""
    seen = Observation("unreadable")
    # A count that the only pass over the topic makes: a second one is for those few runs that have anything to put away.
    observed = parsed.observe(seen, F.count(UNREADABLE).alias("rows"))
    kept = merge_into_log(observed.where(F.col(UNREADABLE).isNull()), directory, columns, identity)
    found = parsed.where(F.col(UNREADABLE).isNotNull()).select(f"{UNREADABLE}.*")
    # Spark drops the observation from the plan when there is nothing to keep.
    unreadable = int(seen.get["rows"]) if kept else found.count()
    if unreadable:
        found.coalesce(1).write.mode("overwrite").json(str(quarantine))
        LOG.warning("%d records break the contract and are in %s", unreadable, quarantine)
    return kept, unreadable


def main(argv: Sequence[str] | None = None) -> int:
    """Archive both topics; see the module's docstring."""
    options = arguments(argv)
    settings = get_settings()
    pack = load_pack(options.pack)
    features_topic = topic_name(TopicKind.FEATURES, pack.name, options.scope)
    labels_topic = topic_name(TopicKind.LABELS, pack.name, options.scope)
    check_answers(settings.kafka_bootstrap)
    spark = build_session(f"extract_features {pack.name} {options.scope}", settings, slots=2, heap="2g")
    try:
        partitions_of(spark, settings.kafka_bootstrap, [features_topic, labels_topic])
        quarantine = options.quarantine or options.features.parent / "quarantine"
        features = parsed_features(read_topic(spark, settings.kafka_bootstrap, features_topic), Stage.ARCHIVE)
        kept, broken_features = archive(
            features, options.features, FEATURES_COLUMNS, FEATURES_IDENTITY, quarantine / features_topic
        )
        if not kept:
            raise BadInputError(
                f"{features_topic} holds no records: is the Flink job running, and was anything written to "
                f"{topic_name(TopicKind.EVENTS, pack.name, options.scope)}?"
            )
        labels = parsed_labels(read_topic(spark, settings.kafka_bootstrap, labels_topic), Stage.ARCHIVE)
        labelled, broken_labels = archive(
            labels, options.labels, LABEL_COLUMNS, LABELS_IDENTITY, quarantine / labels_topic
        )
        LOG.info(
            "feature log %s: %d rows; label log %s: %d rows; in quarantine: %d features records, %d labels",
            options.features,
            kept,
            options.labels,
            labelled,
            broken_features,
            broken_labels,
        )
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    run_job(main)
