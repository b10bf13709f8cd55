"""Measure what requests for scores cost when each is a Spark job: createDataFrame, transform, collect, as they come.

The model's transform is the scorer's own. Requests follow one another in a session that is warm: those of the warm-up do not
count. CPU time is that of Python and its JVM together. Bad input ends the job with one sentence and exit code 2.
"""

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from psutil import Process
from pydantic import TypeAdapter
from pyspark.ml import PipelineModel
from pyspark.sql import SparkSession
from running.bad_input import run_job
from running.session import build_session
from scoring.scores import with_scores
from training.model_directory import PIPELINE_DIR

from patternalarm.argument_parser import ArgumentParser, new_file_argument
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind
from patternalarm.models.forest import read_forest
from patternalarm.models.verify import verify_model
from patternalarm.settings import get_settings
from patternalarm.studies.batching.requests import ROWS_PER_REQUEST, made_rows, slices
from patternalarm.studies.batching.result import Measurement, Split, Way
from patternalarm.studies.machine import cpu_seconds

SCHEMA = "values array<double>"
ROWS = 10_000


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack")
    parser.add_argument("--model", required=True, type=Path, help="model directory, <models_dir>/<domain>/<version>")
    parser.add_argument("--requests", required=True, type=int, help="requests of each size that count")
    parser.add_argument("--warm-up", required=True, type=int, help="requests of each size before them")
    parser.add_argument(
        "--output", required=True, type=new_file_argument, help="JSON file of the measurements, to be made"
    )
    return parser.parse_args(argv)


def request(spark: SparkSession, model: PipelineModel, rows: NDArray[np.float64]) -> tuple[float, float, float]:
    """Score ``rows`` by a Spark job; the seconds of createDataFrame, transform and collect."""
    values = [(row,) for row in rows.tolist()]
    began = time.perf_counter()
    frame = spark.createDataFrame(values, SCHEMA)
    created = time.perf_counter()
    scores = with_scores(frame, model).select("scores")
    transformed = time.perf_counter()
    scores.collect()
    return created - began, transformed - created, time.perf_counter() - transformed


def measure(
    spark: SparkSession,
    model: PipelineModel,
    rows: NDArray[np.float64],
    size: int,
    requests: int,
    warm_up: int,
) -> Measurement:
    """``requests`` requests of ``size`` rows, after ``warm_up`` that do not count."""
    source, own = slices(rows, size), Process().pid
    for _ in range(warm_up):
        request(spark, model, next(source))
    before = cpu_seconds([own])
    parts = [request(spark, model, next(source)) for _ in range(requests)]
    cpu = cpu_seconds([own]) - before
    create, transform, collect = (median(times) * 1_000 for times in zip(*parts, strict=True))
    split = Split(create_ms=create, transform_ms=transform, collect_ms=collect)
    return Measurement.of_requests(Way.SPARK_JOB, size, [sum(part) for part in parts], cpu, split)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure every size; see the module's docstring."""
    options = arguments(argv)
    settings = get_settings()
    metadata = verify_model(options.model, load_pack(options.pack))
    rows = made_rows(read_forest(options.model), len(metadata.feature_names), ROWS)
    # As the scorer has, and with its heap.
    slots = TOPIC_SPECS[TopicKind.FEATURES].partitions
    spark = build_session("measure_batching", settings, slots=slots, heap="1g")
    try:
        model = PipelineModel.load(str(options.model / PIPELINE_DIR))
        found = [measure(spark, model, rows, size, options.requests, options.warm_up) for size in ROWS_PER_REQUEST]
    finally:
        spark.stop()
    options.output.write_bytes(TypeAdapter(list[Measurement]).dump_json(found))
    return 0


if __name__ == "__main__":
    run_job(main)
