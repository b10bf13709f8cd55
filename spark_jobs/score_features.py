"""Score every event of a domain: ``features.<domain>`` -> ``scores.<domain>`` and, over a threshold, ``evidence.<domain>``.

One Structured Streaming query, Kafka to Kafka. ``realtime`` keeps one long task per input partition and passes each
record on as it comes; offsets are committed every ten seconds, so a restart scores up to ten seconds again, with
identical scores. ``microbatch`` is the same query in small batches. Both deliver at least once; readers drop copies by
source coordinates. A features record that cannot be read, or is of another feature set than the model's, stops nothing: it
goes to the evidence topic, from where the alert writer puts it into quarantine. A model of another feature set than the
pack's is refused at the start.

While Kafka is away, the query is started again in the running session, from its last commit. SIGTERM stops the query and
ends the job with exit code 0. Any other failure of the query ends it with its exception, exit code 1; bad input, found
before the stream starts, with one sentence, exit code 2; an absence of Kafka that outlasts patience with exit code 75: to be
started again.
"""

import argparse
import logging
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kafka.endpoint import check_answers, partitions_of
from kafka.outage import is_outage_of_kafka
from kafka.records import parsed_features
from pyspark.errors import StreamingQueryException
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from pyspark.sql.streaming import DataStreamWriter, StreamingQuery
from running.bad_input import BadInputError, EngineAwayError, run_job
from running.session import build_session
from scoring.evidence import to_kafka_records
from scoring.scores import scored
from tenacity.nap import sleep_using_event
from training.model_directory import PIPELINE_DIR

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.jobs import ScorerMode
from patternalarm.contracts.quarantine import Stage
from patternalarm.contracts.records import FEATURES_COLUMNS
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topic_name
from patternalarm.models.metadata import ModelMetadata
from patternalarm.models.verify import verify_model
from patternalarm.retrying import retrying
from patternalarm.settings import get_settings

LOG = logging.getLogger("score_features")

# The time between two commits of offsets, thus what a restart scores again: 5 s doubled the CPU, 30 s delays restarts.
COMMIT_INTERVAL = "10 seconds"
# Bounds a batch after a backlog; real-time mode takes no cap and needs none.
MICROBATCH_MAX_OFFSETS = 50_000
# A query that ran for longer than a commit takes has worked: its next failure begins a new wait.
WORKED_AFTER_SECONDS = 30
WARM_UP_ROWS = 20_000
POLL_SECONDS = 0.2


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack")
    parser.add_argument("--scope", required=True, help="'live' or a run_id")
    parser.add_argument("--model", required=True, type=Path, help="model directory, <models_dir>/<domain>/<version>")
    parser.add_argument(
        "--score-from-ms", required=True, type=int, help="first event time that is scored, epoch milliseconds"
    )
    parser.add_argument("--mode", choices=list(ScorerMode), default=None, help="default: the platform's setting")
    parser.add_argument("--checkpoint", required=True, type=Path, help="directory of the query's checkpoint")
    parser.add_argument("--ready-file", required=True, type=Path, help="created once the query reads its input")
    parser.add_argument(
        "--slots",
        type=int,
        default=TOPIC_SPECS[TopicKind.FEATURES].partitions,
        help="task slots; at least the partitions of the features topic",
    )
    return parser.parse_args(argv)


def check_slots(slots: int, partitions: int, topic: str) -> None:
    """Check that every input partition gets a task slot of its own.

    Raises:
        BadInputError: it does not; real-time mode would silently never read the rest.
    """
    if slots < partitions:
        raise BadInputError(
            f"{topic} has {partitions} partitions and the scorer {slots} task slots: real-time mode never reads the "
            f"partitions without a slot; start it with --slots {partitions}"
        )


def read_records(spark: SparkSession, bootstrap: str, topic: str, mode: str) -> DataFrame:
    """The features topic as a stream, from its first record or the checkpoint on."""
    reader = (
        spark.readStream.format("kafka")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("subscribe", topic)
        .option("startingOffsets", "earliest")
        .option("kafka.fetch.max.wait.ms", "20")
    )
    if mode == ScorerMode.MICROBATCH:
        reader = reader.option("maxOffsetsPerTrigger", MICROBATCH_MAX_OFFSETS)
    return reader.load()


def write_records(records: DataFrame, bootstrap: str, checkpoint: Path, mode: str) -> DataStreamWriter:
    """The query, ready to be started: ``records`` (topic, key, value) to Kafka."""
    writer = (
        records.writeStream.format("kafka")
        .queryName("score_features")
        .outputMode("update")
        .option("kafka.bootstrap.servers", bootstrap)
        .option("kafka.compression.type", "lz4")
        .option("kafka.linger.ms", "5")
        .option("checkpointLocation", str(checkpoint))
    )
    if mode == ScorerMode.REALTIME:
        return writer.trigger(realTime=COMMIT_INTERVAL)
    return writer.trigger(processingTime="0 seconds")


def scored_records(records: DataFrame, from_ms: int, model: PipelineModel, metadata: ModelMetadata) -> DataFrame:
    """Kafka rows of the features topic, scored and decided from ``from_ms`` on; see ``scoring.scored``."""
    sizes = {metadata.feature_set: len(metadata.feature_names)}
    return scored(parsed_features(records, Stage.SCORER, from_ms, sizes), model, metadata)


def warm_up(spark: SparkSession, model: PipelineModel, metadata: ModelMetadata, slots: int) -> None:
    """Run the query's expressions over synthetic records, so that the first events meet compiled code."""
    value = {
        "values": F.array(*[F.rand(seed) * 100 for seed in range(len(metadata.feature_names))]),
        "feature_set": F.lit(metadata.feature_set),
        "event_time_ms": F.lit(0),
    }
    columns = [
        value.get(name, F.lit("1" if kind == "STRING" else 1)).cast(kind).alias(name)
        for name, kind in FEATURES_COLUMNS.items()
    ]
    coordinates = [F.lit("features").alias("topic"), F.lit(0).alias("partition"), F.lit(0).alias("offset")]
    records = spark.range(0, WARM_UP_ROWS, 1, slots).select(
        F.to_json(F.struct(*columns)).cast("binary").alias("value"), *coordinates
    )
    rows = scored_records(records, 0, model, metadata)
    to_kafka_records(rows, "scores", "evidence").write.format("noop").mode("overwrite").save()


def reads_its_input(spark: SparkSession, query: StreamingQuery, partitions: int, mode: str) -> bool:
    """Whether the query is past its start: in real-time mode every partition has a running task, in micro-batch mode
    a batch is done or it waits for data."""
    if mode == ScorerMode.MICROBATCH:
        return query.lastProgress is not None or query.status["message"] == "Waiting for data to arrive"
    tracker = spark.sparkContext.statusTracker()
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    return any(stage is not None and stage.numActiveTasks == partitions for stage in stages)


def run_until_stopped(
    spark: SparkSession, query: StreamingQuery, stop: threading.Event, ready_file: Path, partitions: int, mode: str
) -> None:
    """Watch the query: announce that it is ready, stop it when ``stop`` is set.

    Raises:
        StreamingQueryException: the query failed.
    """
    ready = False
    while not stop.is_set():
        if not ready and reads_its_input(spark, query, partitions, mode):
            ready = True
            ready_file.parent.mkdir(parents=True, exist_ok=True)
            ready_file.touch()
            LOG.info("ready: %d partitions are read in %s mode", partitions, mode)
        if query.awaitTermination(POLL_SECONDS):
            raise RuntimeError("the query ended by itself, without an exception")
    LOG.info("stopping the query")
    query.stop()


def score_through_outages(
    start: Callable[[], StreamingQuery],
    run: Callable[[StreamingQuery], None],
    stop: threading.Event,
    is_outage: Callable[[BaseException], bool],
) -> None:
    """``start`` the query and ``run`` it until ``stop`` is set; start it again when it failed because Kafka is away.

    Raises:
        StreamingQueryException: it failed for another reason, or Kafka stayed away for as long as patience lasts.
    """

    def work() -> None:
        began = time.monotonic()
        try:
            run(start())
        except Exception as error:
            if not is_outage(error) or time.monotonic() - began < WORKED_AFTER_SECONDS:
                raise
            LOG.warning("Kafka is away, the query starts again: %s", str(error).splitlines()[0])

    while not stop.is_set():
        retrying("score events", passes=is_outage, sleep=sleep_using_event(stop))(work)


def main(argv: Sequence[str] | None = None) -> int:
    """Score until SIGTERM; see the module's docstring."""
    options = arguments(argv)
    settings = get_settings()
    mode = options.mode or settings.scorer_mode
    pack = load_pack(options.pack)
    topics = {kind: topic_name(kind, pack.name, options.scope) for kind in TopicKind}
    source, scores, evidence = topics[TopicKind.FEATURES], topics[TopicKind.SCORES], topics[TopicKind.EVIDENCE]
    options.ready_file.unlink(missing_ok=True)
    metadata = verify_model(options.model, pack)
    check_answers(settings.kafka_bootstrap)

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())

    spark = build_session(f"score_features {pack.name} {options.scope}", settings, slots=options.slots, heap="1g")
    partitions = partitions_of(spark, settings.kafka_bootstrap, [source, scores, evidence])[source]
    check_slots(options.slots, partitions, source)
    model = PipelineModel.load(str(options.model / PIPELINE_DIR))
    warm_up(spark, model, metadata, options.slots)

    records = read_records(spark, settings.kafka_bootstrap, source, mode)
    rows = scored_records(records, options.score_from_ms, model, metadata)
    writer = write_records(to_kafka_records(rows, scores, evidence), settings.kafka_bootstrap, options.checkpoint, mode)
    is_outage = is_outage_of_kafka(spark)

    def run(query: StreamingQuery) -> None:
        run_until_stopped(spark, query, stop, options.ready_file, partitions, mode)

    try:
        score_through_outages(writer.start, run, stop, is_outage)
    except StreamingQueryException as error:
        if not is_outage(error):
            raise
        said = str(error).splitlines()[0]
        raise EngineAwayError(f"Kafka at {settings.kafka_bootstrap} stays away: {said}") from error
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    run_job(main)
