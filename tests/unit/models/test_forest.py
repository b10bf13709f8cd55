import numpy as np
import pytest
from alert_material import forest

from patternalarm.models.forest import read_forest, write_forest
from patternalarm.models.metadata import ModelError


def test_trees_come_back_as_they_were_written(tmp_path):
    write_forest(tmp_path / "forest.npz", forest())
    read = read_forest(tmp_path)
    assert len(read) == 3
    for tree, expected in zip(read, forest(), strict=True):
        for name in vars(expected):
            np.testing.assert_array_equal(getattr(tree, name), getattr(expected, name))


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_an_unreadable_forest_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "forest.npz").write_bytes(content)
    with pytest.raises(ModelError, match=r"forest.npz cannot be read"):
        read_forest(tmp_path)


def test_a_forest_without_one_of_its_arrays_is_named(tmp_path):
    np.savez(tmp_path / "forest.npz", first_node=np.array([0, 1]))
    with pytest.raises(ModelError, match=r"forest.npz cannot be read"):
        read_forest(tmp_path)
