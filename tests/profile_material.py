"""Records of features and scores about a few actors, and the naive twin of what the online store makes of them."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from patternalarm.contracts.online_store import EVENTS_KEPT

NOON_MS = 1_795_521_600_000
"""2026-11-24 12:00 UTC."""

Record = Mapping[str, Any]


def features_record(actor_id: str, offset: int, /, **changes: Any) -> dict[str, Any]:
    """A features record of the event at this source offset."""
    return {
        "event_id": f"e{offset}",
        "event_type": "pass",
        "event_time_ms": NOON_MS + offset,
        "actor_id": actor_id,
        "counterparty_id": None,
        "device_id": f"d{offset % 3}",
        "country": "AT",
        "channel": None,
        "money_out": True,
        "amount": offset + 0.25,
        "currency": "EUR",
        "amount_base": offset + 0.25,
        "feature_set": "f-1",
        "values": [float(offset), "NaN", None],
        "source_topic": "events.toll",
        "source_partition": 0,
        "source_offset": offset,
        "source_crc": 1,
        "sent_at_ms": NOON_MS + offset,
        "behind_watermark": False,
        "identity_forgotten": False,
        **changes,
    }


def scores_record(actor_id: str, offset: int, /, **changes: Any) -> dict[str, Any]:
    """A scores record of the same event."""
    score = (offset * 37 % 100) / 100
    return {
        "event_id": f"e{offset}",
        "event_time_ms": NOON_MS + offset,
        "actor_id": actor_id,
        "score": score,
        "scores": [1 - score, score],
        "model_version": "m-1",
        "feature_set": "f-1",
        "source_topic": "events.toll",
        "source_partition": 0,
        "source_offset": offset,
        "source_crc": 1,
        "sent_at_ms": NOON_MS + offset,
        **changes,
    }


def to_bytes(record: Record) -> bytes:
    """A record's bytes on Kafka."""
    return json.dumps(record).encode()


def naive_profile(
    scope: str, actor_id: str, features: Iterable[Record], scores: Iterable[Record], kept: int = EVENTS_KEPT
) -> dict[str, Any]:
    """What a reader must see of an actor after these records in any order: all of them are looked at, nothing is merged.

    Of the scores of one event, those of the greatest model version count.
    """
    of_actor = {one["source_offset"]: one for one in features if one["actor_id"] == actor_id}
    scored: dict[int, Record] = {}
    for one in sorted(scores, key=lambda score: str(score["model_version"])):
        if one["actor_id"] == actor_id:
            scored[one["source_offset"]] = one
    newest = sorted({*of_actor, *scored}, reverse=True)[:kept]
    return {
        "domain": "toll",
        "scope": scope,
        "actor_id": actor_id,
        "features": _latest_features(of_actor[max(of_actor)]) if of_actor else None,
        "scores": _latest_scores(scored[max(scored)]) if scored else None,
        "events": [_event(of_actor[offset], scored.get(offset)) for offset in newest if offset in of_actor],
    }


def _latest_features(record: Record) -> dict[str, Any]:
    names = ("event_id", "event_time_ms", "feature_set", "source_topic", "source_partition", "source_offset")
    values = tuple(None if value in (None, "NaN") else value for value in record["values"])
    return {**{name: record[name] for name in names}, "values": values}


def _latest_scores(record: Record) -> dict[str, Any]:
    names = ("model_version", "event_id", "event_time_ms", "feature_set", "score")
    return {**{name: record[name] for name in names}, "scores": tuple(record["scores"])}


def _event(record: Record, scored: Record | None) -> dict[str, Any]:
    names = (
        "event_id",
        "event_type",
        "event_time_ms",
        "counterparty_id",
        "device_id",
        "country",
        "channel",
        "money_out",
    )
    return {
        **{name: record[name] for name in names},
        "amount": Decimal(str(record["amount"])),
        "currency": record["currency"],
        "amount_base": Decimal(str(record["amount_base"])),
        "score": scored and scored["score"],
        "model_version": scored and scored["model_version"],
    }
