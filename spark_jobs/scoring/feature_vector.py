"""``values`` of a features record -> the vector that the forest reads. One function for training and for serving."""

from pyspark.ml.functions import array_to_vector
from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from patternalarm.models.forest import MISSING


def without_missing(values: Column) -> Column:
    """``values`` (array of doubles) with NaN and null replaced by ``MISSING``."""
    return F.transform(values, lambda value: F.coalesce(F.nanvl(value, F.lit(MISSING)), F.lit(MISSING)))


def feature_vector(values: Column) -> Column:
    """MLlib vector of ``values`` (array of doubles in the pack's order, NaN or null = missing)."""
    return array_to_vector(without_missing(values))
