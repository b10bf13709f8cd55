"""The promoted models, loaded when they are asked for and again when another is promoted."""

import asyncio
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from patternalarm.api.problems import ProblemError, Unavailable
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.pack_folder import pack_names
from patternalarm.contracts.tables import API_ROLE
from patternalarm.did_you_mean import did_you_mean
from patternalarm.models.forest import read_forest
from patternalarm.models.forest_scorer import ForestScorer
from patternalarm.models.metadata import ModelError, ModelMetadata
from patternalarm.models.registry import ModelRegistryError, promoted
from patternalarm.models.serving import serving_model
from patternalarm.models.verify import verify_model
from patternalarm.passing_errors import passes_by_itself
from patternalarm.postgres import connect_once, dsn_of
from patternalarm.remedies import START_PLATFORM
from patternalarm.settings import Settings

# A promotion is served at most this much later.
_FRESH_SECONDS: Final = 5.0
# Who asks for a model that is not there yet waits for it.
_REFUSED_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Served:
    """A promoted model, ready to score."""

    pack: DomainPack
    metadata: ModelMetadata
    scorer: ForestScorer


@dataclass
class _Entry:
    served: Served | None = None
    refusal: ProblemError | None = None
    checked_at: float = -math.inf
    refresh: asyncio.Task[None] | None = None


class ServedModels:
    """Promoted models by domain. With PostgreSQL away, what was loaded is served on.

    Args:
        settings: where PostgreSQL is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._entries: dict[str, _Entry] = {}

    async def of(self, domain: str) -> Served:
        """The model that serves ``domain``.

        Raises:
            ProblemError: there is no such domain, or no model of it that fits.
            Unavailable: PostgreSQL is away, and nothing was loaded before.
        """
        if domain not in pack_names():
            raise unknown_domain(domain)
        entry = self._entries.setdefault(domain, _Entry())
        fresh = _REFUSED_SECONDS if entry.served is None else _FRESH_SECONDS
        if time.monotonic() - entry.checked_at >= fresh:
            if entry.refresh is None or entry.refresh.done():
                entry.refresh = asyncio.create_task(self._refresh(domain, entry))
            # Who has a model goes on with it: PostgreSQL may hang for longer than anybody waits for a score.
            if entry.served is None:
                await asyncio.shield(entry.refresh)
        if entry.served is None:
            raise entry.refusal or Unavailable("postgres", "which model is promoted cannot be asked", START_PLATFORM)
        return entry.served

    async def _refresh(self, domain: str, entry: _Entry) -> None:
        try:
            entry.served, entry.refusal = await self._refreshed(domain, entry.served), None
        except ProblemError as refusal:
            entry.refusal = refusal
            if not isinstance(refusal, Unavailable):
                entry.served = None
        entry.checked_at = time.monotonic()

    async def _refreshed(self, domain: str, known: Served | None) -> Served:
        try:
            return await asyncio.to_thread(self._load, domain, known)
        except psycopg.Error as error:
            if not passes_by_itself(error):
                raise
            if known is None:
                raise Unavailable("postgres", "which model is promoted cannot be asked", START_PLATFORM) from error
            return known
        except (ModelRegistryError, ModelError) as error:
            raise ProblemError(
                409, "no model fits", str(error), remedy=f"trigger retrain_model for {domain} in Airflow"
            ) from error

    def _load(self, domain: str, known: Served | None) -> Served:
        pack = load_pack(domain)
        with connect_once(dsn_of(self._settings, API_ROLE), autocommit=True) as connection:
            if known is not None and known.metadata.version == promoted(connection, domain).version:
                return known
            directory = Path(serving_model(connection, pack).path)
        metadata = verify_model(directory, pack)
        return Served(pack, metadata, ForestScorer(read_forest(directory), len(metadata.classes), len(pack.features)))


def unknown_domain(domain: str) -> ProblemError:
    """What to say about a domain that there is not."""
    return ProblemError(
        422,
        "unknown domain",
        did_you_mean("domain", domain, list(pack_names())),
        remedy=f"use one of {', '.join(pack_names())}",
        domains=list(pack_names()),
    )
