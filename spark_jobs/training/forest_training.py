"""Grow the random forest: one class per fraud type and ``legitimate``, weighted against imbalance."""

from collections.abc import Mapping, Sequence

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.classification import RandomForestClassifier
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812
from scoring.feature_vector import feature_vector

from patternalarm.contracts.domain_pack import Training

# A rare type outweighed by its own inverse frequency would be found everywhere.
MAX_CLASS_WEIGHT = 10.0
# More legitimate rows than this per fraud row teach the forest nothing and cost most of the training time.
MAX_LEGITIMATE_PER_FRAUD = 30
MAX_BINS = 64
MIN_ROWS_PER_LEAF = 5
PARTITIONS = 4


def class_weights(counts: Mapping[int, int]) -> dict[int, float]:
    """Weight of each class that occurs: frequency of the largest over its own, at most ``MAX_CLASS_WEIGHT``."""
    largest = max(counts.values())
    return {label: min(MAX_CLASS_WEIGHT, largest / count) for label, count in counts.items() if count}


def legitimate_share(counts: Mapping[int, int]) -> float:
    """Share of the legitimate rows (label 0) to keep for training, in (0, 1]."""
    fraud = sum(count for label, count in counts.items() if label != 0)
    return min(1.0, MAX_LEGITIMATE_PER_FRAUD * fraud / max(1, counts.get(0, 0)))


def sampled(rows: DataFrame, share: float, seed: int) -> DataFrame:
    """All fraud rows and about ``share`` of the legitimate ones, chosen by their event_id and ``seed`` alone."""
    if share >= 1.0:
        return rows
    draw = F.pmod(F.xxhash64(F.lit(seed), "event_id"), F.lit(1_000_000)) / 1_000_000
    return rows.where((F.col("label") != 0) | (draw < share))


def training_set(rows: DataFrame, classes: Sequence[str], weights: Mapping[int, float]) -> DataFrame:
    """``features, label, weight``, in an order that depends on the rows alone, so that one seed grows one forest.

    The label column names every class, else MLlib would take the largest label seen for the last class and a type
    without training rows would shift the probabilities.
    """
    nominal = {"ml_attr": {"type": "nominal", "name": "label", "vals": list(classes)}}
    weight = F.element_at(
        F.create_map(*[F.lit(part) for pair in sorted(weights.items()) for part in pair]), F.col("label")
    )
    return (
        rows.repartition(PARTITIONS, "event_id")
        .sortWithinPartitions("event_id", "actor_id")
        .select(
            feature_vector(F.col("values")).alias("features"),
            F.col("label").cast("double").alias("label", metadata=nominal),
            weight.alias("weight"),
        )
    )


def grow_forest(rows: DataFrame, classes: Sequence[str], size: Training, seed: int) -> PipelineModel:
    """Grow a forest of ``size`` on ``rows`` (``actor_id``, ``event_id``, ``values``, ``label``: position in ``classes``)."""
    counts = {row["label"]: row["count"] for row in rows.groupBy("label").count().collect()}
    share = legitimate_share(counts)
    kept = {label: count * share if label == 0 else count for label, count in counts.items()}
    training = training_set(sampled(rows, share, seed), classes, class_weights(kept)).cache()
    forest = RandomForestClassifier(
        featuresCol="features",
        labelCol="label",
        weightCol="weight",
        numTrees=size.trees,
        maxDepth=size.depth,
        maxBins=MAX_BINS,
        minInstancesPerNode=MIN_ROWS_PER_LEAF,
        maxMemoryInMB=512,
        seed=seed,
    )
    try:
        return Pipeline(stages=[forest]).fit(training)
    finally:
        training.unpersist()
