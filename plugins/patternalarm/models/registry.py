"""Model versions in ``platform.model_version``: register, promote, ask which one is promoted.

Every function works on the caller's connection and leaves the commit to the caller.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.contracts.tables import MODEL_VERSION
from patternalarm.models.metadata import ModelMetadata


class ModelRegistryError(LookupError):
    """No such model version, or not one that this may be done with."""


@dataclass(frozen=True)
class ModelVersion:
    """A registered model in directory ``path``. ``scope`` is ``live``, or the run that trained it for itself alone."""

    domain: str
    version: str
    scope: str
    path: str
    feature_set: str
    pack_version: str
    metrics: dict[str, Any]
    thresholds: dict[str, float]
    trained_at: datetime
    promoted_at: datetime | None = None

    @classmethod
    def of(cls, metadata: ModelMetadata, path: str) -> "ModelVersion":
        """The model of ``metadata`` in directory ``path``, not promoted."""
        return cls(
            domain=metadata.domain,
            version=metadata.version,
            scope=metadata.scope,
            path=path,
            feature_set=metadata.feature_set,
            pack_version=metadata.pack_version,
            metrics=metadata.metrics,
            thresholds=metadata.thresholds,
            trained_at=metadata.trained_at,
        )


_COLUMNS: Final = (
    "domain, version, scope, path, feature_set, pack_version, metrics, thresholds, trained_at, promoted_at"
)

_REGISTER: Final = f"""
INSERT INTO {MODEL_VERSION} AS m
  (domain, version, scope, path, feature_set, pack_version, metrics, thresholds, trained_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (domain, version) DO UPDATE SET
  scope = excluded.scope, path = excluded.path, feature_set = excluded.feature_set,
  pack_version = excluded.pack_version, metrics = excluded.metrics, thresholds = excluded.thresholds,
  trained_at = excluded.trained_at
WHERE m.promoted_at IS NULL
"""

_GET: Final = f"SELECT {_COLUMNS} FROM {MODEL_VERSION} WHERE domain = %s AND version = %s"

_PROMOTE: Final = f"""
UPDATE {MODEL_VERSION} SET promoted_at = clock_timestamp()
WHERE domain = %s AND version = %s RETURNING {_COLUMNS}
"""

_PROMOTED: Final = f"""
SELECT {_COLUMNS} FROM {MODEL_VERSION}
WHERE domain = %s AND scope = %s AND promoted_at IS NOT NULL ORDER BY promoted_at DESC LIMIT 1
"""


def _one(connection: psycopg.Connection[Any], query: str, parameters: tuple[object, ...]) -> ModelVersion | None:
    with connection.cursor(row_factory=class_row(ModelVersion)) as cursor:
        return cursor.execute(query, parameters).fetchone()


def register(connection: psycopg.Connection[Any], model: ModelVersion) -> None:
    """Record a trained model; again for the same version (a retried task), the newer facts win.

    Raises:
        ModelRegistryError: that version is promoted already, so its facts are frozen.
    """
    parameters = (
        model.domain,
        model.version,
        model.scope,
        model.path,
        model.feature_set,
        model.pack_version,
        Jsonb(model.metrics),
        Jsonb(model.thresholds),
        model.trained_at,
    )
    if connection.execute(_REGISTER, parameters).rowcount == 0:
        raise ModelRegistryError(
            f"model {model.version} of {model.domain} is promoted, its record is frozen; train under a new version"
        )


def get_model(connection: psycopg.Connection[Any], domain: str, version: str) -> ModelVersion:
    """One registered version.

    Raises:
        ModelRegistryError: it is not registered.
    """
    model = _one(connection, _GET, (domain, version))
    if model is None:
        raise ModelRegistryError(f"model {version} of {domain} is not registered; run retrain_model for {domain}")
    return model


def promote(connection: psycopg.Connection[Any], domain: str, version: str) -> ModelVersion:
    """Make ``version`` the one that serves ``domain`` from now on; promoting an older one again rolls back.

    Raises:
        ModelRegistryError: it is not registered, or a run trained it for itself alone.
    """
    model = get_model(connection, domain, version)
    if model.scope != LIVE_SCOPE:
        raise ModelRegistryError(
            f"model {version} of {domain} belongs to run {model.scope} alone; promote one that retrain_model made"
        )
    promoted_model = _one(connection, _PROMOTE, (domain, version))
    if promoted_model is None:
        raise ModelRegistryError(f"model {version} of {domain} was removed meanwhile; run retrain_model for {domain}")
    return promoted_model


def promoted(connection: psycopg.Connection[Any], domain: str) -> ModelVersion:
    """The version that serves ``domain``: the one promoted last.

    Raises:
        ModelRegistryError: none is promoted.
    """
    model = _one(connection, _PROMOTED, (domain, LIVE_SCOPE))
    if model is None:
        raise ModelRegistryError(f"no model of {domain} is promoted; run retrain_model for {domain} first")
    return model
