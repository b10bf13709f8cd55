"""Which type a row alerts as."""

import pytest
from scoring.decision import NEVER, with_decision

CLASSES = ("legitimate", "alpha", "ghost", "beta")
THRESHOLDS = {"alpha": 0.5, "ghost": NEVER, "beta": 0.3, "suspicious_activity": 0.7}


@pytest.mark.parametrize(
    ("scores", "fraud_type", "type_score"),
    [
        ([0.9, 0.1, 0.0, 0.0], None, None),
        ([0.4, 0.5, 0.0, 0.1], "alpha", 0.5),
        ([0.5, 0.0, 0.0, 0.3], "beta", 0.3),
        ([0.31, 0.35, 0.0, 0.34], "beta", 0.34),
        ([0.0, 0.5, 0.0, 0.5], "alpha", 0.5),
        ([0.1, 0.0, 0.9, 0.0], "suspicious_activity", 0.9),
        ([0.25, 0.4, 0.25, 0.1], "suspicious_activity", 0.75),
        ([0.31, 0.4, 0.19, 0.1], None, None),
    ],
)
def test_the_largest_probability_over_its_threshold_decides(spark, scores, fraud_type, type_score):
    frame = spark.createDataFrame([("e1", scores)], "event_id string, scores array<double>")

    row = with_decision(frame, CLASSES, THRESHOLDS).first()

    assert row["fraud_type"] == fraud_type
    assert row["type_score"] == (None if type_score is None else pytest.approx(type_score))
    assert row["score"] == pytest.approx(1 - scores[0])
    assert row["event_id"] == "e1"


def test_one_fraud_type_alone(spark):
    frame = spark.createDataFrame([([0.2, 0.8],), ([0.8, 0.2],)], "scores array<double>")

    rows = with_decision(frame, ("legitimate", "fraud"), {"fraud": 0.5, "suspicious_activity": NEVER}).collect()

    assert [row["fraud_type"] for row in rows] == ["fraud", None]
