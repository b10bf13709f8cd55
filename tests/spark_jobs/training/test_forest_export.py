"""The exported trees are the pipeline's trees."""

import numpy as np
import pytest
from forest_rows import rows
from pyspark.ml import Pipeline
from pyspark.ml.feature import VectorAssembler
from scoring.scores import with_scores
from training.forest_export import forest_trees
from training.forest_training import grow_forest

from patternalarm.models.forest_scorer import ForestScorer


def test_exported_trees_give_the_pipelines_probabilities(spark, pack, tmp_path):
    frame = rows(spark, pack)
    model = grow_forest(frame, pack.classes, pack.training, seed=3)
    model.write().save(str(tmp_path / "pipeline"))

    trees = forest_trees(spark, tmp_path / "pipeline")

    random = np.random.default_rng(3)
    drawn = np.where(
        random.random((10_000, len(pack.features))) < 0.1, np.nan, random.normal(size=(10_000, len(pack.features)))
    )
    values = np.concatenate([np.stack(frame.select("values").toPandas()["values"].to_list()), drawn])
    asked = spark.createDataFrame([(row,) for row in values.tolist()], "`values` array<double>")
    scored = with_scores(asked, model).select("values", "scores").toPandas()
    exported = (
        ForestScorer(trees, len(pack.classes), len(pack.features))
        .score(np.stack(scored["values"].to_list()))
        .probabilities
    )
    assert len(trees) == pack.training.trees
    assert np.abs(exported - np.stack(scored["scores"].to_list())).max() < 1e-12
    assert exported.max(axis=0)[1] > 0.8
    for tree in trees:
        leaf = tree.children_left < 0
        assert ((tree.children_right < 0) == leaf).all() and ((tree.feature < 0) == leaf).all()
        assert np.allclose(tree.value.sum(axis=1), 1.0)
        inner = np.flatnonzero(~leaf)
        below = tree.node_sample_weight[tree.children_left[inner]] + tree.node_sample_weight[tree.children_right[inner]]
        assert np.allclose(below, tree.node_sample_weight[inner])


def test_a_pipeline_without_a_forest_is_refused(spark, tmp_path):
    frame = spark.createDataFrame([(1.0,)], "a double")
    Pipeline(stages=[VectorAssembler(inputCols=["a"], outputCol="f")]).fit(frame).write().save(str(tmp_path / "p"))

    with pytest.raises(ValueError, match="no forest"):
        forest_trees(spark, tmp_path / "p")
