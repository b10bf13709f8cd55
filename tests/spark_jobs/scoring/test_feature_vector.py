"""Missing values."""

import math

from pyspark.sql import functions as F  # noqa: N812
from scoring.feature_vector import feature_vector, without_missing


def test_nan_and_null_become_minus_one(spark):
    frame = spark.createDataFrame([([1.5, math.nan, None, 0.0, -2.0],)], "`values` array<double>")

    row = frame.select(without_missing(F.col("values")).alias("plain"), feature_vector(F.col("values")).alias("vector"))

    assert row.first()["plain"] == [1.5, -1.0, -1.0, 0.0, -2.0]
    assert row.first()["vector"].toArray().tolist() == [1.5, -1.0, -1.0, 0.0, -2.0]
