"""Missing values and foreign feature sets."""

import math

import pytest
from feature_vector import feature_vector, values_of_feature_set, without_missing
from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812


def test_nan_and_null_become_minus_one(spark):
    frame = spark.createDataFrame([([1.5, math.nan, None, 0.0, -2.0],)], "`values` array<double>")

    row = frame.select(without_missing(F.col("values")).alias("plain"), feature_vector(F.col("values")).alias("vector"))

    assert row.first()["plain"] == [1.5, -1.0, -1.0, 0.0, -2.0]
    assert row.first()["vector"].toArray().tolist() == [1.5, -1.0, -1.0, 0.0, -2.0]


@pytest.mark.parametrize(
    ("feature_set", "values", "named"),
    [
        ("other", [1.0, 2.0], "feature set other with 2 values"),
        (None, [1.0, 2.0], r"feature set \(none\)"),
        ("mine", [1.0], "feature set mine with 1 values"),
        ("mine", None, "with 0 values"),
    ],
)
def test_a_record_of_another_feature_set_fails_the_query(spark, feature_set, values, named):
    frame = spark.createDataFrame([(feature_set, values)], "feature_set string, `values` array<double>")
    checked = frame.select(values_of_feature_set(F.col("values"), F.col("feature_set"), "mine", 2))

    with pytest.raises(PySparkException, match=named):
        checked.collect()


def test_a_record_of_the_models_feature_set_passes(spark):
    frame = spark.createDataFrame([("mine", [1.0, 2.0])], "feature_set string, `values` array<double>")

    assert frame.select(values_of_feature_set(F.col("values"), F.col("feature_set"), "mine", 2)).first()[0] == [
        1.0,
        2.0,
    ]
