"""The trees of a saved pipeline as arrays (``patternalarm.models.forest``): for explanations, outside Spark.

A row's probability of a class is the mean over the trees of the class shares of the leaf it falls into, which is what
MLlib's random forest computes: each tree votes with its leaf's normalised class weights.
"""

from pathlib import Path

import numpy as np
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from patternalarm.models.forest import Tree


def forest_trees(spark: SparkSession, pipeline_directory: Path) -> list[Tree]:
    """Trees of the random forest that ends a saved pipeline, nodes in MLlib's order (the root first).

    ``value`` holds the class shares of a node's weighted training rows, summing to 1; ``node_sample_weight`` their
    weight. Leaves have children -1, feature -1 and threshold NaN.

    Raises:
        ValueError: the last stage is no forest, or it splits on categories.
    """
    stage = max((pipeline_directory / "stages").iterdir(), key=lambda path: int(path.name.split("_")[0]))
    if not (stage / "treesMetadata").is_dir():
        raise ValueError(f"{stage.name} is no forest")
    nodes = (
        spark.read.parquet(str(stage / "data"))
        .select("treeID", "nodeData.*")
        .select(
            "treeID",
            "id",
            "leftChild",
            "rightChild",
            "impurityStats",
            F.col("split.featureIndex").alias("feature"),
            F.get("split.leftCategoriesOrThreshold", F.lit(0)).alias("threshold"),
            F.col("split.numCategories").alias("categories"),
        )
        .orderBy("treeID", "id")
        .toPandas()
    )
    if (nodes["categories"] != -1).any():
        raise ValueError(f"{stage.name} splits on categories; the features of a pack are numbers")
    weights = np.stack(nodes["impurityStats"].to_list()).astype(np.float64)
    total = weights.sum(axis=1)
    starts = np.flatnonzero(nodes["id"].to_numpy() == 0)
    ends = [*starts[1:], len(nodes)]
    return [
        Tree(
            children_left=nodes["leftChild"].to_numpy(np.int32)[start:end],
            children_right=nodes["rightChild"].to_numpy(np.int32)[start:end],
            feature=nodes["feature"].to_numpy(np.int32)[start:end],
            threshold=nodes["threshold"].to_numpy(np.float64)[start:end],
            value=(weights / total[:, None])[start:end],
            node_sample_weight=total[start:end],
        )
        for start, end in zip(starts, ends, strict=True)
    ]
