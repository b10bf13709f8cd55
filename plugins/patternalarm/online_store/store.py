"""Profiles of a scope in Redis, with the Kafka offsets up to which they were built: kept beside them and nowhere else."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import redis
from redis.exceptions import NoScriptError

from patternalarm.contracts.online_store import (
    EVENTS_KEPT,
    GENERATION,
    SCOPE_OUTLIVES_SECONDS,
    profile_key,
    scope_key,
    seconds_kept,
)
from patternalarm.contracts.records import Partition
from patternalarm.online_store.batch import ProfileUpdate


def _script(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


_MERGE: Final = _script("merge_profile.lua")
_ADVANCE: Final = _script("advance.lua")


class ProfileStore:
    """Merges updates into profiles.

    Merging is idempotent and knows no order, so that a batch which was cut off in the middle is merged again whole: offsets
    are noted after what they cover. Not thread-safe.

    Args:
        client: of Redis.
        domain: the domain.
        scope: ``live``, or a run.
    """

    def __init__(self, client: redis.Redis, domain: str, scope: str) -> None:
        # The stubs of the client mix answers with awaitables of answers.
        self._client: Any = client
        self._domain, self._scope = domain, scope
        self._key, self._seconds = scope_key(domain, scope), seconds_kept(scope)
        self._scope_seconds = self._seconds + SCOPE_OUTLIVES_SECONDS
        self._generation = b""
        self._merge = self._advance = ""

    def begin(self) -> dict[Partition, int]:
        """Next offset by partition, of the profiles that are there; empty when there are none, and a new generation begins.

        Raises:
            RedisError: Redis does not answer, or refuses.
        """
        self._load_scripts()
        self._client.hsetnx(self._key, GENERATION, secrets.token_hex(8))
        self._client.expire(self._key, self._scope_seconds)
        known: dict[bytes, bytes] = self._client.hgetall(self._key)
        self._generation = known.pop(GENERATION.encode(), b"")
        return {_partition(name): int(offset) for name, offset in known.items()}

    def write(self, updates: Mapping[str, ProfileUpdate], offsets: Mapping[Partition, int]) -> bool:
        """Merge ``updates``, by actor, and note the next ``offsets``; False when Redis lost what was written before.

        Raises:
            RedisError: Redis does not answer, or refuses; the same may be written again.
        """
        try:
            return self._write(updates, offsets)
        except NoScriptError:
            self._load_scripts()
            return self._write(updates, offsets)

    def _write(self, updates: Mapping[str, ProfileUpdate], offsets: Mapping[Partition, int]) -> bool:
        pipeline = self._client.pipeline(transaction=False)
        for actor_id, update in updates.items():
            features, scores = update.features or ("", b""), update.scores or ("", b"")
            events = [part for item in update.newest_events().items() for part in item]
            key = profile_key(self._domain, self._scope, actor_id)
            pipeline.evalsha(self._merge, 1, key, self._seconds, EVENTS_KEPT, *features, *scores, *events)
        noted = [part for place, offset in offsets.items() for part in (_name(place), offset)]
        pipeline.evalsha(self._advance, 1, self._key, self._generation, self._scope_seconds, *noted)
        *_, is_there = pipeline.execute()
        return bool(is_there)

    def _load_scripts(self) -> None:
        self._merge, self._advance = self._client.script_load(_MERGE), self._client.script_load(_ADVANCE)


def _name(partition: Partition) -> str:
    topic, number = partition
    return f"{topic}:{number}"


def _partition(name: bytes) -> Partition:
    topic, _, number = name.decode().rpartition(":")
    return topic, int(number)
