"""Profiles as the API reads them."""

import json
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any

import redis.asyncio
from pydantic import AfterValidator, BaseModel, ConfigDict

from patternalarm.contracts.online_store import (
    EVENT_PREFIX,
    EVENTS_KEPT,
    FEATURES,
    SCORE_PREFIX,
    SCORES,
    profile_key,
)


def _or_missing(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class LatestFeatures(_Part):
    """Features of the actor's newest event, ``values`` in the pack's order; None is a missing one.

    ``source_topic``, ``source_partition`` and ``source_offset`` tell where the event lies in Kafka.
    """

    event_id: str
    event_time_ms: int
    feature_set: str
    values: tuple[Annotated[float | None, AfterValidator(_or_missing)], ...]
    source_topic: str
    source_partition: int
    source_offset: int


class LatestScores(_Part):
    """Scores of the actor's newest scored event: one probability per class of the model; ``score`` is that of any fraud."""

    model_version: str
    event_id: str
    event_time_ms: int
    feature_set: str
    score: float
    scores: tuple[float, ...]


class ProfileEvent(_Part):
    """An event; ``score`` and ``model_version`` once it is scored. ``amount_base`` is in the pack's base currency."""

    event_id: str
    event_type: str | None = None
    event_time_ms: int
    counterparty_id: str | None = None
    device_id: str | None = None
    country: str | None = None
    channel: str | None = None
    money_out: bool | None = None
    amount: Decimal | None = None
    currency: str | None = None
    amount_base: Decimal | None = None
    score: float | None = None
    model_version: str | None = None


class Profile(_Part):
    """What is known of an actor: at least an event or a score. ``events`` are at most ``EVENTS_KEPT``, the newest first."""

    domain: str
    scope: str
    actor_id: str
    features: LatestFeatures | None
    scores: LatestScores | None
    events: tuple[ProfileEvent, ...]


class ProfileReader:
    """Reads profiles, each in one round trip.

    Args:
        client: of Redis, with values as bytes (``redis_client.async_redis_client``).
    """

    def __init__(self, client: redis.asyncio.Redis) -> None:
        # The stubs of the client mix answers with awaitables of answers.
        self._client: Any = client

    async def read(self, scope: str, domain: str, actor_id: str) -> Profile | None:
        """The actor's profile; None when there is none: never seen, expired, evicted, or not rebuilt yet.

        Raises:
            RedisError: Redis does not answer, or refuses.
        """
        fields: dict[bytes, bytes] = await self._client.hgetall(profile_key(domain, scope, actor_id))
        return profile_of(scope, domain, actor_id, fields) if fields else None


def profile_of(scope: str, domain: str, actor_id: str, fields: Mapping[bytes, bytes]) -> Profile:
    """A profile from the fields of its hash."""
    features, scores = fields.get(FEATURES.encode()), fields.get(SCORES.encode())
    return Profile(
        domain=domain,
        scope=scope,
        actor_id=actor_id,
        features=None if features is None else LatestFeatures.model_validate_json(features),
        scores=None if scores is None else LatestScores.model_validate_json(scores),
        events=tuple(_events(fields)),
    )


def _events(fields: Mapping[bytes, bytes]) -> Iterable[ProfileEvent]:
    names = [name.decode() for name in fields]
    offsets = {int(name[1:]) for name in names if name[:1] in (EVENT_PREFIX, SCORE_PREFIX) and name[1:].isdigit()}
    for offset in sorted(offsets, reverse=True)[:EVENTS_KEPT]:
        event, scored = (fields.get(f"{prefix}{offset}".encode()) for prefix in (EVENT_PREFIX, SCORE_PREFIX))
        # A score may come before its event, which is on its way then.
        if event is not None:
            known = json.loads(event, parse_float=Decimal)
            model_version, score = json.loads(scored) if scored else (None, None)
            yield ProfileEvent(**known, model_version=model_version, score=score)
