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


def values_of_feature_set(values: Column, feature_set: Column, expected: str, size: int) -> Column:
    """``values`` where the record was made with feature set ``expected``; any other record fails the query.

    A record of another feature set cannot be scored, and skipping it would lose an event without a trace.
    """
    message = F.concat(
        F.lit("features record of feature set "),
        F.coalesce(feature_set, F.lit("(none)")),
        F.lit(" with "),
        F.coalesce(F.size(values), F.lit(0)).cast("string"),
        F.lit(
            f" values, the model reads {expected} with {size}: restart the Flink job with the model's pack, "
            "or train a model on the new features"
        ),
    )
    fits = (feature_set == expected) & (F.size(values) == size)
    return F.when(fits, values).otherwise(F.raise_error(message))
