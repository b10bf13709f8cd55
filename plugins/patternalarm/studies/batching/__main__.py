"""Measure and write up the batching study: ``python -m patternalarm.studies.batching``.

Of the promoted model of a domain, or of the model directory that is named. The platform must be up; what of it is not, like the
API, is told as not measured. Exit codes: 0 measured and written, 1 begun and not finished, 2 it cannot be made as asked.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.jobs import ScorerMode
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.models.forest import read_forest
from patternalarm.models.forest_scorer import ForestScorer
from patternalarm.models.verify import verify_model
from patternalarm.settings import Settings, get_settings
from patternalarm.studies.batching.report import document, plots
from patternalarm.studies.batching.requests import made_rows
from patternalarm.studies.batching.result import BatchingResult, Forest, Measurement, Way
from patternalarm.studies.batching.streams import WAY_OF_MODE, Feed, measure_stream
from patternalarm.studies.batching.without_spark import NotMeasuredError, measure_http, measure_in_process
from patternalarm.studies.command import run_study
from patternalarm.studies.machine import this_machine
from patternalarm.studies.model import model_directory
from patternalarm.studies.publication import README_FILE, documents_of, publish
from patternalarm.studies.scope import study_scope

STUDY: Final = "batching"
_ROWS: Final = 10_000
_SPARK_JOB_SECONDS: Final = 1_200.0

logger = logging.getLogger(__name__)


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(prog="patternalarm.studies.batching", description=__doc__)
    parser.add_argument("--domain", default="payments", help="name or folder of a domain pack")
    parser.add_argument("--model", default="", help="model directory; default: the promoted one")
    parser.add_argument("--requests", type=int, default=200, help="requests of each size that count")
    parser.add_argument("--warm-up", type=int, default=30, help="requests of each size before them")
    parser.add_argument("--full-topic", type=int, default=400_000, help="events of which a stream's throughput is told")
    parser.add_argument("--per-second", type=float, default=833.0, help="events a second of which its latency is told")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long those come")
    parser.add_argument("--warm-up-seconds", type=float, default=15.0, help="how long they come before they count")
    parser.add_argument("--output", type=Path, default=documents_of(STUDY), help="directory of the write-up")
    return parser.parse_args(argv)


def measure(options: argparse.Namespace, settings: Settings) -> BatchingResult:
    """Every way, one after the other.

    Raises:
        StudyInputError: the platform is not up, or holds no model.
        StudyError: a part of the study failed.
    """
    pack = load_pack(options.domain)
    directory = model_directory(settings, pack, options.model)
    metadata, trees = verify_model(directory, pack), read_forest(directory)
    rows = made_rows(trees, len(pack.features), _ROWS)
    feed = Feed(options.full_topic, options.per_second, options.seconds, options.warm_up_seconds)
    result = BatchingResult(
        measured_at=datetime.now(UTC),
        machine=this_machine(),
        forest=Forest(
            domain=pack.name,
            version=metadata.version,
            trees=len(trees),
            nodes=sum(len(tree.feature) for tree in trees),
            features=len(pack.features),
            classes=len(pack.classes),
        ),
        warm_up=options.warm_up,
        paced_per_second=feed.per_second,
        paced_seconds=feed.seconds,
        paced_warm_up_seconds=feed.warm_up_seconds,
        full_topic=feed.full_topic,
        measurements=[],
        missing={},
    )
    logger.info("a Spark job for each request")
    result.measurements += _spark_jobs(options, settings, pack, directory)
    for mode in (ScorerMode.MICROBATCH, ScorerMode.REALTIME):
        logger.info("the stream, %s", WAY_OF_MODE[mode])
        with study_scope(settings, f"{STUDY}-{mode}", pack.name) as scope:
            result.measurements.append(measure_stream(scope, options.domain, directory, metadata, mode, rows, feed))
    logger.info("the forest without Spark")
    scorer = ForestScorer(trees, len(pack.classes), len(pack.features))
    result.measurements += measure_in_process(scorer, rows, options.requests, options.warm_up)
    try:
        result.measurements += measure_http(
            settings, pack.name, metadata.version, rows, options.requests, options.warm_up
        )
    except NotMeasuredError as why:
        result.missing[Way.HTTP] = str(why)
    return result


def _spark_jobs(options: argparse.Namespace, settings: Settings, pack: DomainPack, model: Path) -> list[Measurement]:
    with study_scope(settings, STUDY, pack.name) as scope:
        output = scope.directory / "spark_jobs.json"
        job = JobSpec(
            scope.process("measure-batching"),
            Program.SPARK,
            "measure_batching",
            {
                "pack": options.domain,
                "model": model,
                "requests": options.requests,
                "warm_up": options.warm_up,
                "output": output,
            },
        )
        scope.run(job, _SPARK_JOB_SECONDS)
        return TypeAdapter(list[Measurement]).validate_json(output.read_bytes())


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    options = arguments(argv)

    def study() -> Path:
        result = measure(options, get_settings())
        readme: Path = options.output / README_FILE
        publish(options.output, result, document(result), plots(result))
        return readme

    return run_study(study)


if __name__ == "__main__":
    sys.exit(main())
