"""From records of features and scores to what they change of each actor's profile."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from patternalarm.contracts.online_store import (
    EVENT_COLUMNS,
    EVENT_PREFIX,
    EVENTS_KEPT,
    LATEST_FEATURES_COLUMNS,
    LATEST_SCORES_COLUMNS,
    SCORE_PREFIX,
)

# As a float, an amount below it is exact in its four decimal places.
_EXACT_AMOUNT: Final = 1e11
_RAW_AMOUNTS: Final = {
    name: re.compile(rb'"' + name.encode() + rb'"\s*:\s*(-?[0-9][-+.0-9eE]*)') for name in ("amount", "amount_base")
}

Newest = tuple[int, bytes]
"""A source offset, and what its record says as JSON."""


@dataclass(slots=True)
class ProfileUpdate:
    """What some records say of one actor, whatever their order and however often each is among them.

    Attributes:
        features, scores: the newest of each; None without one.
        events: JSON by field of the profile, ``e<offset>`` and ``s<offset>``.
    """

    features: Newest | None = None
    scores: Newest | None = None
    events: dict[str, bytes] = field(default_factory=dict)

    def newest_events(self) -> dict[str, bytes]:
        """``events`` without those that are surely not among an actor's newest."""
        if len(self.events) <= EVENTS_KEPT:
            return self.events
        offsets = sorted({int(name[1:]) for name in self.events}, reverse=True)
        if len(offsets) <= EVENTS_KEPT:
            return self.events
        oldest = offsets[EVENTS_KEPT - 1]
        return {name: value for name, value in self.events.items() if int(name[1:]) >= oldest}


class UpdateBuilder:
    """Collects updates by actor; ``unreadable`` counts records that are none of the contract's."""

    def __init__(self) -> None:
        self.updates: dict[str, ProfileUpdate] = {}
        self.unreadable = 0

    def add_features(self, values: Iterable[bytes | None]) -> None:
        """Take in records of the features topic."""
        for raw in values:
            record = self._read(raw, "values", list)
            if record is None:
                continue
            offset = record["source_offset"]
            update = self._of(record["actor_id"])
            update.features = _newer(update.features, offset, _json(record, LATEST_FEATURES_COLUMNS))
            event = {name: record[name] for name in EVENT_COLUMNS if record.get(name) is not None}
            _keep(update.events, f"{EVENT_PREFIX}{offset}", orjson.dumps(_exactly(event, raw or b"")))

    def add_scores(self, values: Iterable[bytes | None]) -> None:
        """Take in records of the scores topic."""
        for raw in values:
            record = self._read(raw, "model_version", str)
            if record is None:
                continue
            offset = record["source_offset"]
            update = self._of(record["actor_id"])
            update.scores = _newer(update.scores, offset, _json(record, LATEST_SCORES_COLUMNS))
            score = orjson.dumps((record["model_version"], record.get("score")))
            _keep(update.events, f"{SCORE_PREFIX}{offset}", score)

    def _of(self, actor_id: str) -> ProfileUpdate:
        update = self.updates.get(actor_id)
        if update is None:
            update = self.updates[actor_id] = ProfileUpdate()
        return update

    def _read(self, raw: bytes | None, column: str, kind: type) -> dict[str, Any] | None:
        try:
            record = orjson.loads(raw or b"")
            offset = record["source_offset"]
            sound = type(offset) is int and offset >= 0 and type(record["event_time_ms"]) is int
            sound = sound and type(record["actor_id"]) is type(record["event_id"]) is str
            sound = sound and type(record[column]) is kind
        except (ValueError, KeyError, TypeError):
            sound = False
        if not sound:
            self.unreadable += 1
            return None
        return dict(record)


def _json(record: Mapping[str, Any], columns: Iterable[str]) -> bytes:
    return orjson.dumps({name: record.get(name) for name in columns})


def _exactly(event: dict[str, Any], raw: bytes) -> dict[str, Any]:
    """``event`` with amounts that a float cannot hold as they are written in ``raw``, a flat object."""
    for name, pattern in _RAW_AMOUNTS.items():
        amount = event.get(name)
        if amount is not None and not -_EXACT_AMOUNT < amount < _EXACT_AMOUNT:
            written = pattern.search(raw)
            if written:
                event[name] = orjson.Fragment(written[1])
    return event


def _newer(known: Newest | None, offset: int, value: bytes) -> Newest:
    """The newer of two records. Of copies that differ the greater one, here and in Redis: neither is newer."""
    return (offset, value) if known is None or (offset, value) > known else known


def _keep(events: dict[str, bytes], name: str, value: bytes) -> None:
    known = events.get(name)
    if known is None or value > known:
        events[name] = value
