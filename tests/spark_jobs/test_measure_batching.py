"""The measuring of requests on the real engine, as small as it goes."""

import json

import measure_batching
import numpy as np
from history import SHOP
from pyspark.ml import PipelineModel
from scoring.scores import with_scores

from patternalarm.models.forest import read_forest
from patternalarm.models.forest_scorer import ForestScorer
from patternalarm.studies.batching.requests import made_rows
from patternalarm.studies.batching.result import Way


def test_a_request_is_timed_in_its_three_parts(spark, pack, model):
    rows = made_rows(read_forest(model), len(pack.features), 20)
    pipeline = PipelineModel.load(str(model / measure_batching.PIPELINE_DIR))

    found = measure_batching.measure(spark, pipeline, rows, size=5, requests=2, warm_up=1)

    assert (found.way, found.rows, found.requests) == (Way.SPARK_JOB, 5, 2)
    assert min(found.split.create_ms, found.split.transform_ms, found.split.collect_ms) > 0
    assert found.rows_per_cpu_second > 0


def test_made_rows_are_scored_as_without_spark(spark, pack, model):
    trees = read_forest(model)
    rows = made_rows(trees, len(pack.features), 50)
    pipeline = PipelineModel.load(str(model / measure_batching.PIPELINE_DIR))

    frame = spark.createDataFrame([(row,) for row in rows.tolist()], measure_batching.SCHEMA)
    scores = np.array([row["scores"] for row in with_scores(frame, pipeline).collect()])

    np.testing.assert_allclose(
        scores, ForestScorer(trees, len(pack.classes), len(pack.features)).score(rows).probabilities, atol=1e-9
    )


def test_the_command_writes_every_size(model, tmp_path, monkeypatch, spark):
    # The tests' own session, which is not to be stopped.
    monkeypatch.setattr(measure_batching, "build_session", lambda *_, **__: spark)
    monkeypatch.setattr(spark, "stop", lambda: None)
    monkeypatch.setattr(measure_batching, "ROWS_PER_REQUEST", (1, 3))
    output = tmp_path / "found.json"

    code = measure_batching.main(
        [
            *("--pack", str(SHOP), "--model", str(model), "--requests", "1", "--warm-up", "0"),
            *("--output", str(output)),
        ]
    )

    assert code == 0
    assert [one["rows"] for one in json.loads(output.read_text())] == [1, 3]
