"""Train a domain's model from its feature log and label log: a random forest over the fraud types and ``legitimate``.

The split is by time, with gaps: the forest is grown on the oldest block, its thresholds are chosen on the next, and the
newest, held-out block is reported. Only what was known at ``--as-of`` is used (see ``training_rows``).

A replay is graded on rows of its own: with ``--train-until`` and ``--test-from`` nothing after ``train-until`` is used,
nor any label that came later than ``test-from``; the tail of those rows both chooses the thresholds and is reported.
"""

import argparse
import logging
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from running.bad_input import BadInputError, run_job
from running.session import build_session
from scoring.decision import with_decision
from scoring.scores import with_scores
from training.evaluation import ALL, report
from training.forest_export import forest_trees
from training.forest_training import grow_forest
from training.model_directory import PIPELINE_DIR, seal
from training.thresholds import choose_thresholds
from training.time_split import GAP, TEST, TRAIN, VALIDATION, split_by_time
from training.training_rows import check_verdicts, labelled_rows, read_features, read_labels

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.models.forest import write_forest
from patternalarm.models.metadata import FOREST_FILE, METADATA_FILE
from patternalarm.settings import get_settings

LOG = logging.getLogger("train_model")

MAX_SEED = 2**31 - 1


def utc_ms(text: str) -> int:
    """Epoch milliseconds of an ISO 8601 time; UTC unless it says otherwise."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time, like 2026-11-24T05:30:00Z") from error
    return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1_000)


def seed_of(text: str) -> int:
    """A whole number from 0 to 2³¹ - 1."""
    if not text.isdecimal() or int(text) > MAX_SEED:
        raise argparse.ArgumentTypeError(f"{text!r} is no seed: use a whole number from 0 to {MAX_SEED}")
    return int(text)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack")
    parser.add_argument("--scope", required=True, help="'live', or the run that trains the model for itself alone")
    parser.add_argument("--features", required=True, type=Path, help="directory of the feature log")
    parser.add_argument("--labels", required=True, type=Path, help="directory of the label log")
    parser.add_argument("--as-of", required=True, type=utc_ms, help="ISO time; later labels are not known yet")
    parser.add_argument("--version", required=True, help="version of the model")
    parser.add_argument(
        "--output", required=True, type=Path, help="the model's directory, <models_dir>/<domain>/<version>"
    )
    parser.add_argument("--seed", required=True, type=seed_of, help="the same seed and rows grow the same forest")
    parser.add_argument("--train-until", type=utc_ms, help="replay: last event time that may be used, ISO")
    parser.add_argument("--test-from", type=utc_ms, help="replay: first event time that is graded, ISO")
    options = parser.parse_args(argv)
    if (options.train_until is None) != (options.test_from is None):
        parser.error("--train-until and --test-from go together")
    if options.train_until is not None and options.train_until >= options.test_from:
        parser.error("--train-until must be before --test-from")
    return options


def check_classes(counts: dict[tuple[str, int], int], pack: DomainPack) -> None:
    """Check that the training block holds fraud and legitimate rows.

    Raises:
        BadInputError: it does not.
    """
    fraud = sum(count for (block, label), count in counts.items() if block == TRAIN and label > 0)
    if not fraud:
        raise BadInputError(
            f"no labelled fraud of any type of pack {pack.name} among the training rows: were its labels written to "
            "the labels topic, and had they come by --as-of?"
        )
    if not counts.get((TRAIN, 0)):
        raise BadInputError("no legitimate row among the training rows: bring unlabelled or legitimate events too")


def allowed_rows(spark: SparkSession, pack: DomainPack, options: argparse.Namespace) -> tuple[DataFrame, int]:
    """The labelled rows that the options allow to be used, and the time (epoch ms) at which they were settled.

    Raises:
        BadInputError: the output holds a model already, a log is missing or empty, or of another feature set.
    """
    if (options.output / METADATA_FILE).exists():
        raise BadInputError(
            f"{options.output} already holds a model: choose another --version, models are not replaced"
        )
    features = read_features(spark, options.features, pack)
    labels = read_labels(spark, options.labels)
    check_verdicts(labels, pack)
    as_of = options.as_of
    if options.train_until is not None:
        features = features.where(F.col("event_time_ms") <= options.train_until)
        as_of = min(as_of, options.test_from)
    return labelled_rows(features, labels, pack, as_of), as_of


def train(spark: SparkSession, pack: DomainPack, options: argparse.Namespace) -> None:
    """Train the model of ``options`` and write its directory.

    Raises:
        BadInputError: the output holds a model already, or the logs do not suffice; nothing was written.
    """
    if (options.output / METADATA_FILE).exists():
        raise BadInputError(
            f"{options.output} already holds a model: choose another --version, models are not replaced"
        )
    rows, as_of_ms = allowed_rows(spark, pack, options)
    split = split_by_time(rows, pack, with_test=options.train_until is None)
    blocked = rows.withColumn("block", split.block(F.col("event_time_ms"))).cache()
    counts = {(r["block"], r["label"]): r["count"] for r in blocked.groupBy("block", "label").count().collect()}
    check_classes(counts, pack)
    by_block = {
        name: sum(count for (block, _), count in counts.items() if block == name)
        for name in (TRAIN, VALIDATION, TEST, GAP)
    }
    LOG.info("rows: %s; growing %d trees of depth %d", by_block, pack.training.trees, pack.training.depth)

    forest = grow_forest(blocked.where(F.col("block") == TRAIN), pack.classes, pack.training, options.seed)
    held_out = with_scores(blocked.where(F.col("block").isin(VALIDATION, TEST)), forest).cache()
    thresholds = choose_thresholds(held_out.where(F.col("block") == VALIDATION), pack)
    reported = held_out.where(F.col("block") == split.reported)
    metrics = report(with_decision(reported, pack.classes, thresholds).cache(), pack, split.reported)
    LOG.info("thresholds: %s; held out, all types: %s", thresholds, metrics[ALL])

    if options.output.exists():
        shutil.rmtree(options.output)
    options.output.mkdir(parents=True)
    forest.write().save(str(options.output / PIPELINE_DIR))
    write_forest(options.output / FOREST_FILE, forest_trees(spark, options.output / PIPELINE_DIR))
    labels = {
        f"label_{name}": sum(c for (_, label), c in counts.items() if label == index)
        for index, name in enumerate(pack.classes)
    }
    seal(
        options.output,
        pack,
        version=options.version,
        scope=options.scope,
        seed=options.seed,
        as_of_ms=as_of_ms,
        thresholds=thresholds,
        metrics=metrics,
        rows={**by_block, **labels},
        split=split.as_dict(),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Train a model; see the module's docstring."""
    options = arguments(argv)
    pack = load_pack(options.pack)
    spark = build_session(f"train_model {pack.name} {options.version}", get_settings(), slots=2, heap="3g")
    try:
        train(spark, pack, options)
    finally:
        spark.stop()
    return 0


if __name__ == "__main__":
    run_job(main)
