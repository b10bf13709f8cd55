"""Features rows -> scored, decided rows: DataFrame -> DataFrame, the same for a stream, a batch and a test."""

from kafka.records import UNREADABLE
from pyspark.ml import PipelineModel
from pyspark.ml.functions import vector_to_array
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from patternalarm.models.metadata import ModelMetadata
from scoring.decision import with_decision
from scoring.feature_vector import feature_vector


def probability_only(model: PipelineModel) -> PipelineModel:
    """``model`` set to compute ``probability`` alone: one pass over the trees and one vector less per row."""
    forest = model.stages[-1]
    forest.setRawPredictionCol("").setPredictionCol("")
    return model


def with_scores(rows: DataFrame, model: PipelineModel) -> DataFrame:
    """Add ``scores``, one probability per class of ``model``, to rows that hold ``values``."""
    vectors = rows.withColumn("features", feature_vector(F.col("values")))
    return (
        probability_only(model).transform(vectors).select(*rows.columns, vector_to_array("probability").alias("scores"))
    )


def scored(features: DataFrame, model: PipelineModel, metadata: ModelMetadata) -> DataFrame:
    """Features rows with ``scores``, the decision's columns and ``model_version`` added.

    What cannot be read, a row of another feature set than the model's among it, is carried along with scores that mean
    nothing.
    """
    nothing = F.array_repeat(F.lit(0.0), len(metadata.feature_names))
    values = F.when(F.col(UNREADABLE).isNotNull(), nothing).otherwise(F.col("values"))
    rows = with_scores(features.withColumn("values", values), model)
    return with_decision(rows, metadata.classes, metadata.thresholds).withColumn(
        "model_version", F.lit(metadata.version)
    )
