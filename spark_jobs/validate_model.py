"""Check a trained model against the promotion gates (``promotion``), on rows that its forest was not grown on.

The saved model is verified, loaded and applied again, so what is judged is what would be served: the report of its
held-out block must repeat, and ``forest.npz`` must give the pipeline's probabilities. The verdict goes to standard
output as JSON; exit code 0 means promotable, 3 means not, each missed gate being named in the log.
"""

import argparse
import json
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from pyspark.ml import PipelineModel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812
from running.bad_input import run_job
from running.session import build_session
from scoring.decision import with_decision
from scoring.feature_vector import without_missing
from scoring.scores import with_scores
from training.evaluation import ALL, report
from training.model_directory import PIPELINE_DIR
from training.promotion import promotion_gates
from training.time_split import TimeSplit
from training.training_rows import labelled_rows, read_features, read_labels

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.models.forest import Tree, read_forest
from patternalarm.models.forest_scorer import ForestScorer
from patternalarm.models.verify import verify_model
from patternalarm.settings import get_settings

LOG = logging.getLogger("validate_model")

COMPARED_ROWS = 2_000


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack")
    parser.add_argument("--model", required=True, type=Path, help="model directory")
    parser.add_argument("--features", required=True, type=Path, help="the feature log that the model was trained on")
    parser.add_argument("--labels", required=True, type=Path, help="the label log that the model was trained on")
    return parser.parse_args(argv)


def export_difference(scored: DataFrame, trees: list[Tree]) -> float:
    """Largest difference between the pipeline's and the exported trees' probabilities on some of ``scored``."""
    sample = (
        scored.orderBy("event_id", "actor_id")
        .limit(COMPARED_ROWS)
        .select(without_missing(F.col("values")).alias("values"), "scores")
    ).toPandas()
    values = np.stack(sample["values"].to_list())
    scores = np.stack(sample["scores"].to_list())
    exported = ForestScorer(trees, scores.shape[1], values.shape[1]).score(values)
    return float(np.abs(exported.probabilities - scores).max())


def report_difference(again: Mapping[str, Any], saved: Mapping[str, Any]) -> float:
    """Largest difference between the pooled figures of two reports; infinite when one has a figure that the other lacks."""
    differences = [0.0]
    for name, value in again[ALL].items():
        other = saved.get(ALL, {}).get(name)
        if (value is None) != (other is None):
            return float("inf")
        if value is not None:
            differences.append(abs(value - other))
    return max(differences)


def validate(spark: SparkSession, pack: DomainPack, options: argparse.Namespace) -> dict[str, Any]:
    """Verdict on the model of ``options``: ``{model, domain, promotable, gates, metrics}``."""
    metadata = verify_model(options.model, pack)
    extra = metadata.model_extra or {}
    split = TimeSplit(**extra["split"])
    rows = labelled_rows(
        read_features(spark, options.features, pack), read_labels(spark, options.labels), pack, extra["as_of_ms"]
    )
    held_out = rows.where(split.block(F.col("event_time_ms")) == split.reported)
    model = PipelineModel.load(str(options.model / PIPELINE_DIR))
    decided = with_decision(with_scores(held_out, model), metadata.classes, metadata.thresholds).cache()
    metrics = report(decided, pack, split.reported)
    gates = promotion_gates(
        metrics,
        export_difference(decided, read_forest(options.model)),
        report_difference(metrics, metadata.metrics),
    )
    for gate in gates:
        LOG.log(logging.INFO if gate.passed else logging.ERROR, "%s", gate.sentence())
    return {
        "model": metadata.version,
        "domain": metadata.domain,
        "promotable": all(gate.passed for gate in gates),
        "gates": [{**asdict(gate), "passed": gate.passed} for gate in gates],
        "metrics": metrics,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Validate a model; see the module's docstring."""
    options = arguments(argv)
    pack = load_pack(options.pack)
    verify_model(options.model, pack)
    spark = build_session(f"validate_model {pack.name}", get_settings(), slots=2, heap="2g")
    try:
        verdict = validate(spark, pack, options)
    finally:
        spark.stop()
    sys.stdout.write(json.dumps(verdict, indent=2) + "\n")
    return 0 if verdict["promotable"] else ExitCode.NOT_PROMOTABLE


if __name__ == "__main__":
    run_job(main)
