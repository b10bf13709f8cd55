"""Time blocks and the gaps between them."""

import pytest
from pyspark.sql import functions as F  # noqa: N812
from running.bad_input import BadInputError
from training.time_split import split_by_time

HOUR_MS = 3_600_000


def hours(spark, count):
    return spark.range(count).select((F.col("id") * HOUR_MS).alias("event_time_ms"))


def blocks(rows, split):
    counted = rows.groupBy(split.block(F.col("event_time_ms")).alias("block")).agg(
        F.count("*"), F.min("event_time_ms"), F.max("event_time_ms")
    )
    return {row[0]: (row[1], row[2] // HOUR_MS, row[3] // HOUR_MS) for row in counted.collect()}


def test_blocks_follow_each_other_with_gaps_of_the_longest_window(spark, pack):
    rows = hours(spark, 1_001)

    split = split_by_time(rows, pack, with_test=True)

    # The pack's longest window is two hours, and hours 601, 602 and 801, 802 fall into gaps of that length.
    assert blocks(rows, split) == {
        "train": (601, 0, 600),
        "validation": (198, 603, 800),
        "test": (198, 803, 1_000),
        "gap": (4, 601, 802),
    }
    assert split.reported == "test"


def test_a_gap_takes_at_most_a_twentieth_of_the_history(spark, pack):
    split = split_by_time(hours(spark, 21), pack, with_test=True)

    assert split.validation_from_ms - split.train_until_ms == HOUR_MS + 1


def test_a_replay_has_no_test_block(spark, pack):
    rows = hours(spark, 1_001)

    split = split_by_time(rows, pack, with_test=False)

    assert blocks(rows, split) == {"train": (801, 0, 800), "gap": (2, 801, 802), "validation": (198, 803, 1_000)}
    assert split.reported == "validation"


@pytest.mark.parametrize("with_test", [True, False])
def test_one_moment_cannot_be_split(spark, pack, with_test):
    with pytest.raises(BadInputError, match="more days"):
        split_by_time(hours(spark, 1), pack, with_test=with_test)


def test_no_settled_event_is_refused(spark, pack):
    with pytest.raises(BadInputError, match="as-of"):
        split_by_time(hours(spark, 0), pack, with_test=True)
