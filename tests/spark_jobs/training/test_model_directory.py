"""A sealed directory is what ``patternalarm.models.verify`` accepts, until a byte of it changes."""

import pytest
from training.model_directory import seal

from patternalarm.models.metadata import METADATA_FILE, ModelError
from patternalarm.models.verify import verify_model


@pytest.fixture
def sealed(tmp_path, pack):
    directory = tmp_path / "v1"
    (directory / "pipeline" / "stages").mkdir(parents=True)
    (directory / "pipeline" / "stages" / "part-0.parquet").write_bytes(b"trees" * 100)
    (directory / "pipeline" / ".part-0.crc").write_bytes(b"crc")
    (directory / "forest.npz").write_bytes(b"forest")
    seal(
        directory,
        pack,
        version="v1",
        scope="live",
        seed=1,
        as_of_ms=5,
        thresholds={"alpha": 0.5},
        metrics={"all": {}},
        rows={"train": 3},
        split={"train_until_ms": 1},
    )
    return directory


def test_a_sealed_directory_is_accepted(sealed, pack):
    metadata = verify_model(sealed, pack)

    assert (metadata.version, metadata.thresholds) == ("v1", {"alpha": 0.5})
    assert set(metadata.files) == {"forest.npz", "pipeline/.part-0.crc", "pipeline/stages/part-0.parquet"}
    assert metadata.model_extra["as_of_ms"] == 5
    assert [path.name for path in sealed.parent.iterdir()] == ["v1"]


def test_a_file_cut_short_is_refused(sealed, pack):
    path = sealed / "pipeline" / "stages" / "part-0.parquet"
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(ModelError, match=r"part-0.parquet is cut short"):
        verify_model(sealed, pack)


def test_metadata_cut_short_is_refused(sealed, pack):
    path = sealed / METADATA_FILE
    path.write_text(path.read_text()[:200])

    with pytest.raises(ModelError, match="damaged"):
        verify_model(sealed, pack)


def test_another_feature_set_is_refused(sealed, pack):
    other = pack.model_copy(update={"features": pack.features[::-1]})
    other.__dict__.pop("feature_set", None)

    with pytest.raises(ModelError, match="reads feature set"):
        verify_model(sealed, other)
