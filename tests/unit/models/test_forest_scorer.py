import itertools

import numpy as np
import pytest
from alert_material import forest
from hypothesis import given
from hypothesis import strategies as st
from shap_contributions import ForestExplainer

from patternalarm.models.forest import MISSING, Tree
from patternalarm.models.forest_scorer import ForestScorer

FEATURES, CLASSES = 3, 3


@st.composite
def grown_tree(draw: st.DrawFn) -> Tree:
    """A tree that grew at random: each split takes a leaf and gives it two."""
    left, right, feature, threshold = [-1], [-1], [-1], [np.nan]
    for _ in range(draw(st.integers(0, 12))):
        leaf = draw(st.sampled_from([node for node, child in enumerate(left) if child < 0]))
        left[leaf], right[leaf] = len(left), len(left) + 1
        feature[leaf], threshold[leaf] = (
            draw(st.integers(0, FEATURES - 1)),
            draw(st.sampled_from([-1.5, -1.0, 0.0, 2.5])),
        )
        left += [-1, -1]
        right += [-1, -1]
        feature += [-1, -1]
        threshold += [np.nan, np.nan]
    weights = [[draw(st.integers(1, 9)) for _ in range(CLASSES)] for _ in left]
    return Tree(
        children_left=np.array(left, np.int32),
        children_right=np.array(right, np.int32),
        feature=np.array(feature, np.int32),
        threshold=np.array(threshold),
        value=np.array(weights, np.float64),
        node_sample_weight=np.array(weights, np.float64).sum(axis=1),
    )


def walked(tree: Tree, row: np.ndarray) -> list[int]:
    """The naive twin: the nodes that a row passes, one after another."""
    path = [0]
    while tree.children_left[path[-1]] >= 0:
        node = path[-1]
        value = MISSING if np.isnan(row[tree.feature[node]]) else row[tree.feature[node]]
        path.append(int((tree.children_left if value <= tree.threshold[node] else tree.children_right)[node]))
    return path


def shares(tree: Tree, node: int) -> np.ndarray:
    return tree.value[node] / tree.value[node].sum()


rows = st.lists(
    st.lists(st.sampled_from([np.nan, -1.5, -1.0, 0.0, 1.0, 2.5, 3.0]), min_size=FEATURES, max_size=FEATURES),
    min_size=1,
    max_size=5,
)


@given(st.lists(grown_tree(), min_size=1, max_size=4), rows)
def test_scores_are_those_of_walking_every_tree(grown, values):
    given_rows = np.array(values)
    scored = ForestScorer(grown, CLASSES, FEATURES).score(given_rows)
    for row, probabilities in zip(given_rows, scored.probabilities, strict=True):
        naive = np.mean([shares(tree, walked(tree, row)[-1]) for tree in grown], axis=0)
        assert probabilities == pytest.approx(naive)


@given(st.lists(grown_tree(), min_size=1, max_size=4), rows, st.integers(0, CLASSES - 1))
def test_contributions_are_the_changes_along_the_ways(grown, values, target):
    given_rows = np.array(values)
    scorer = ForestScorer(grown, CLASSES, FEATURES)
    moved = scorer.contributions(scorer.score(given_rows), np.full(len(given_rows), target))
    for row, contributions in zip(given_rows, moved, strict=True):
        naive = np.zeros(FEATURES)
        for tree in grown:
            path = walked(tree, row)
            for here, there in itertools.pairwise(path):
                change = (shares(tree, there) - shares(tree, here))[target]
                naive[tree.feature[here]] += (-change if target == 0 else change) / len(grown)
        assert contributions == pytest.approx(naive)


def test_contributions_are_those_of_shap():
    values = np.array([[80.0, 2.0, 5.0], [10.0, np.nan, 1.0], [50.0, 0.0, 3.0]])
    targets = np.array([1, 2, 0])
    scorer = ForestScorer(forest(), CLASSES, FEATURES)
    theirs = ForestExplainer(forest(), classes=CLASSES, features=FEATURES).contributions(values, targets)
    assert scorer.contributions(scorer.score(values), targets) == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("trees", "classes", "features", "named"),
    [([], 3, 3, "no trees"), (forest(), 2, 3, "2 classes"), (forest(), 3, 2, "feature 2 of 2")],
)
def test_a_forest_of_another_shape_is_refused(trees, classes, features, named):
    with pytest.raises(ValueError, match=named):
        ForestScorer(trees, classes, features)


def test_rows_of_another_length_are_refused():
    with pytest.raises(ValueError, match="rows of 2 features, the forest reads 3"):
        ForestScorer(forest(), CLASSES, FEATURES).score(np.zeros((1, 2)))
