"""The gates."""

import pytest
from training.promotion import MIN_ALERT_PRECISION, MIN_CAMPAIGN_RECALL, MIN_CAMPAIGNS, promotion_gates

GOOD = {
    "campaigns": MIN_CAMPAIGNS,
    "campaign_recall": MIN_CAMPAIGN_RECALL,
    "alert_precision": MIN_ALERT_PRECISION,
    "average_precision": 0.9,
}


def missed(export=0.0, report=0.0, **figures):
    gates = promotion_gates({"all": {**GOOD, **figures}}, export, report)
    return [gate.name for gate in gates if not gate.passed]


def test_a_model_at_the_limits_passes():
    assert missed() == []


@pytest.mark.parametrize(
    ("figures", "name"),
    [
        ({"campaigns": MIN_CAMPAIGNS - 1}, "campaigns in the held-out block"),
        ({"campaign_recall": MIN_CAMPAIGN_RECALL - 0.001}, "campaign recall"),
        ({"alert_precision": MIN_ALERT_PRECISION - 0.001}, "alert precision"),
        ({"alert_precision": None}, "alert precision"),
        ({"average_precision": 0.1}, "average precision of the score"),
        ({"export": 1e-3}, "difference of forest.npz"),
        ({"report": 0.01}, "difference to the saved report"),
    ],
)
def test_each_gate_is_missed_alone(figures, name):
    assert missed(**figures) == [name]


def test_a_gate_says_what_it_asked():
    gate = promotion_gates({"all": {**GOOD, "campaign_recall": 0.5}}, 0.0, 0.0)[1]

    assert gate.sentence() == "campaign recall is 0.5, asked is at least 0.8: missed"
