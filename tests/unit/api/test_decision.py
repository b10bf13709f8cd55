import pytest

from patternalarm.api.prediction.decision import decide

CLASSES = ("legitimate", "theft", "fraud")
THRESHOLDS = {"theft": 0.5, "fraud": 0.3, "suspicious_activity": 0.7}


@pytest.mark.parametrize(
    ("scores", "decision"),
    [
        ((0.4, 0.5, 0.1), ("theft", 0.5)),
        ((0.1, 0.5, 0.4), ("theft", 0.5)),
        ((0.3, 0.35, 0.35), ("fraud", 0.35)),
        # Under its threshold a larger probability counts for nothing.
        ((0.2, 0.45, 0.35), ("fraud", 0.35)),
        ((0.25, 0.49, 0.26), ("suspicious_activity", 0.75)),
        ((0.5, 0.4, 0.1), None),
    ],
)
def test_the_likeliest_type_over_its_threshold_decides(scores, decision):
    found = decide(scores, CLASSES, THRESHOLDS)
    assert found == (decision and (decision[0], pytest.approx(decision[1])))


def test_on_a_tie_the_first_of_the_pack_decides():
    assert decide((0.0, 0.5, 0.5), CLASSES, THRESHOLDS) == ("theft", 0.5)
