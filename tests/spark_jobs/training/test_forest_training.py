"""Growing the forest."""

from forest_rows import rows
from pyspark.sql import functions as F  # noqa: N812
from scoring.scores import with_scores
from training.forest_training import class_weights, grow_forest, legitimate_share, sampled, training_set


def test_weights_are_inverse_frequencies_up_to_a_cap():
    assert class_weights({0: 1_000, 1: 500, 2: 10}) == {0: 1.0, 1: 2.0, 2: 10.0}


def test_legitimate_rows_are_thinned_only_when_they_abound():
    assert legitimate_share({0: 100, 1: 10, 2: 10}) == 1.0
    assert 0 < legitimate_share({0: 1_000_000, 1: 10}) < 0.001


def test_thinning_keeps_every_fraud_and_depends_on_the_seed_alone(spark, pack):
    frame = rows(spark, pack)
    fraud = frame.where("label > 0").count()

    kept = {row["event_id"] for row in sampled(frame, 0.3, seed=5).collect()}
    again = {row["event_id"] for row in sampled(frame.orderBy(F.desc("event_id")), 0.3, seed=5).collect()}
    other = {row["event_id"] for row in sampled(frame, 0.3, seed=6).collect()}

    assert kept == again != other
    assert sampled(frame, 0.3, seed=5).where("label > 0").count() == fraud
    assert 0.25 < (len(kept) - fraud) / (frame.count() - fraud) < 0.35


def test_the_weight_is_that_of_the_rows_class(spark, pack):
    frame = spark.createDataFrame(
        [("a", "e", [0.0], 0), ("b", "e", [0.0], 3)],
        "actor_id string, event_id string, `values` array<double>, label int",
    )

    weighted = training_set(frame, pack.classes, {0: 1.0, 3: 4.5}).collect()

    assert {row["label"]: row["weight"] for row in weighted} == {0.0: 1.0, 3.0: 4.5}


def test_a_class_without_rows_keeps_its_place(spark, pack):
    frame = rows(spark, pack)
    known = frame.where("label < 2")

    scores = with_scores(known, grow_forest(known, pack.classes, pack.training, seed=3))

    sure = scores.where("label = 1").select(F.explode("scores")).count() / scores.where("label = 1").count()
    assert sure == len(pack.classes)
    assert scores.agg(F.max(F.col("scores")[2]), F.max(F.col("scores")[3])).first() == (0.0, 0.0)
    assert scores.where("label = 1").agg(F.avg(F.col("scores")[1])).first()[0] > 0.8


def test_one_seed_grows_one_forest_whatever_the_order_of_the_rows(spark, pack):
    frame = rows(spark, pack)
    shuffled = frame.orderBy(F.xxhash64("event_id")).repartition(3)

    first, again, other = (
        grow_forest(data, pack.classes, pack.training, seed).stages[-1].toDebugString.split("\n", 1)[1]
        for data, seed in ((frame, 3), (shuffled, 3), (frame, 4))
    )

    assert first == again != other
