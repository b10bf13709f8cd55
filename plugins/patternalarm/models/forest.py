"""``forest.npz``: the trees of a model as arrays, for explanations without Spark.

All trees lie one after the other in flat arrays; ``first_node`` (trees + 1 entries) says where each begins. Children
are node numbers within their tree, -1 at a leaf. A row goes left where its feature is <= the threshold.
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from patternalarm.models.metadata import FOREST_FILE, ModelError

# Stands for a missing value, in training and serving alike: no feature of a pack is negative by nature.
MISSING: Final = -1.0


@dataclass(frozen=True)
class Tree:
    """One tree, arrays by node. ``value`` is (nodes, classes): class weights or probabilities of the node's rows."""

    children_left: NDArray[np.int32]
    children_right: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float64]
    value: NDArray[np.float64]
    node_sample_weight: NDArray[np.float64]


_ARRAYS: Final = tuple(Tree.__dataclass_fields__)


def write_forest(path: Path, trees: list[Tree]) -> None:
    """Write ``trees`` to ``path``."""
    sizes = [len(tree.feature) for tree in trees]
    arrays: dict[str, NDArray[Any]] = {
        name: np.concatenate([getattr(tree, name) for tree in trees]) for name in _ARRAYS
    }
    np.savez_compressed(path, first_node=np.cumsum([0, *sizes]), **arrays)


def read_forest(directory: Path) -> list[Tree]:
    """Trees of the model in ``directory``.

    Raises:
        ModelError: the file is missing or is not what ``write_forest`` writes.
    """
    try:
        with np.load(directory / FOREST_FILE) as file:
            first = file["first_node"]
            arrays = {name: file[name] for name in _ARRAYS}
        return [Tree(**{name: array[start:end] for name, array in arrays.items()}) for start, end in pairwise(first)]
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        raise ModelError(
            f"model {directory}: {FOREST_FILE} cannot be read ({error}); train again with retrain_model"
        ) from error
