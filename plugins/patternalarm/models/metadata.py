"""``metadata.json`` of a model directory, as its readers see it."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, ValidationError

METADATA_FILE: Final = "metadata.json"
FOREST_FILE: Final = "forest.npz"


class ModelError(ValueError):
    """A model directory is not there, not whole, or not of this pack; the message names cause and remedy."""


class ModelMetadata(BaseModel):
    """What a model is. ``classes`` has legitimate first; ``files`` maps relative paths to SHA-256 hex digests."""

    model_config = ConfigDict(frozen=True, extra="allow", protected_namespaces=())

    domain: str
    version: str
    scope: str
    feature_set: str
    pack_version: str
    feature_names: tuple[str, ...]
    classes: tuple[str, ...]
    thresholds: dict[str, float]
    metrics: dict[str, Any]
    trained_at: datetime
    files: dict[str, str]


def read_metadata(directory: Path) -> ModelMetadata:
    """Metadata of the model in ``directory``.

    Raises:
        ModelError: the file is missing, or is not what it should be.
    """
    path = directory / METADATA_FILE
    try:
        return ModelMetadata.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelError(
            f"no model in {directory}: {METADATA_FILE} cannot be read ({error.strerror}); "
            "train one with retrain_model, or name another directory"
        ) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ModelError(
            f"model {directory}: {METADATA_FILE} is damaged ({place}: {first['msg']}); train again with retrain_model"
        ) from error
