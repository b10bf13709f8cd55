"""How much each feature moved a forest's score, by shap: the oracle of ``models.forest_scorer``."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import shap
from numpy.typing import NDArray

from patternalarm.models.forest import MISSING, Tree


class ForestExplainer:
    """Contributions of features to the probabilities of one forest."""

    def __init__(self, trees: Sequence[Tree], classes: int, features: int) -> None:
        """Prepare ``trees`` of a model with that many classes and features.

        Raises:
            ValueError: there is no tree, or one does not fit those numbers.
        """
        if not trees:
            raise ValueError("the forest has no trees")
        for number, tree in enumerate(trees):
            if tree.value.shape != (len(tree.feature), classes):
                raise ValueError(
                    f"tree {number} has values of shape {tree.value.shape}, the model has {classes} classes"
                )
            if tree.feature.max(initial=-1) >= features:
                raise ValueError(f"tree {number} splits on feature {tree.feature.max()} of {features}")
        self._explainer = shap.TreeExplainer({"trees": [_shap_tree(tree, len(trees)) for tree in trees]})

    def contributions(self, values: NDArray[np.float64], targets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Change of the target's probability by feature, (rows, features).

        ``values`` is (rows, features), NaN = missing. ``targets`` holds a class per row; class 0 is legitimate, and
        asks for what speaks against it, that is for ``1 - P(legitimate)``.
        """
        filled = np.where(np.isnan(values), MISSING, values)
        by_class = cast(
            "NDArray[np.float64]", self._explainer.shap_values(filled, approximate=True, check_additivity=False)
        )
        chosen: NDArray[np.float64] = by_class[np.arange(len(filled)), :, targets]
        return np.where((targets == 0)[:, np.newaxis], -chosen, chosen)


def _shap_tree(tree: Tree, trees: int) -> dict[str, NDArray[Any]]:
    # A forest's probability is the mean over its trees of the leaf's class shares.
    shares = tree.value / tree.value.sum(axis=1, keepdims=True) / trees
    return {
        "children_left": tree.children_left,
        "children_right": tree.children_right,
        "children_default": tree.children_left,
        "features": tree.feature,
        "thresholds": tree.threshold,
        "values": shares,
        "node_sample_weight": tree.node_sample_weight,
    }
