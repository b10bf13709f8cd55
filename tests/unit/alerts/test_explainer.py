import numpy as np
import pytest
from alert_material import forest, split

from patternalarm.alerts.explainer import ForestExplainer


def test_contributions_follow_the_splits_and_add_up_to_the_probability():
    explainer = ForestExplainer(forest(), classes=3, features=3)
    values = np.array([[80.0, 0.0, 5.0]])
    moved = explainer.contributions(values, np.array([1]))
    # By hand, each tree a third: amount 0.8 - 0.4, passes 0.5 - 0.3, lane none for this class.
    assert moved[0] == pytest.approx([0.4 / 3, 0.0, 0.2 / 3])
    base_rate = (0.4 + 0.3 + 0.0) / 3
    assert base_rate + moved.sum() == pytest.approx((0.8 + 0.5 + 0.0) / 3)


def test_class_zero_asks_for_what_speaks_against_legitimate():
    explainer = ForestExplainer(forest(), classes=3, features=3)
    moved = explainer.contributions(np.array([[80.0, 2.0, 5.0]]), np.array([0]))
    assert moved[0] == pytest.approx([0.4 / 3, 0.2 / 3, 0.2 / 3])


def test_a_missing_value_takes_the_way_of_minus_one():
    explainer = ForestExplainer([split(0, -0.5, (0.2, 0.8), (1.0, 0.0))], classes=2, features=1)
    moved = explainer.contributions(np.array([[np.nan], [0.0]]), np.array([1, 1]))
    assert moved[:, 0] == pytest.approx([0.4, -0.4])


def test_a_row_is_explained_alike_alone_and_among_others():
    explainer = ForestExplainer(forest(), classes=3, features=3)
    values = np.array([[80.0, 2.0, 5.0], [10.0, 2.0, 1.0], [50.0, np.nan, 3.0]])
    targets = np.array([1, 2, 0])
    together = explainer.contributions(values, targets)
    for row, target, expected in zip(values, targets, together, strict=True):
        alone = explainer.contributions(row[np.newaxis], np.array([target]))
        assert alone[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("trees", "classes", "features", "named"),
    [([], 3, 3, "no trees"), (forest(), 2, 3, "2 classes"), (forest(), 3, 2, "feature 2 of 2")],
)
def test_a_forest_of_another_shape_is_refused(trees, classes, features, named):
    with pytest.raises(ValueError, match=named):
        ForestExplainer(trees, classes, features)
