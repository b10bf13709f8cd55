"""The model that a domain's events are scored with, proven to be fit for it."""

from pathlib import Path
from typing import Any

import psycopg

from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.models.metadata import ModelError
from patternalarm.models.registry import ModelVersion, promoted
from patternalarm.models.verify import verify_model


def serving_model(connection: psycopg.Connection[Any], pack: DomainPack) -> ModelVersion:
    """The promoted model of the pack's domain.

    Raises:
        ModelRegistryError: none is promoted.
        ModelError: its files or thresholds are gone or altered, or it was trained for other features or fraud types than
            the pack's.
    """
    model = promoted(connection, pack.name)
    if verify_model(Path(model.path), pack).thresholds != model.thresholds:
        raise ModelError(
            f"model {model.path}: its thresholds are not those it was promoted with; restore its metadata.json, or train "
            "again with retrain_model"
        )
    return model
