"""Columns of the records that the engines pass to each other on Kafka, as JSON objects.

Each entry is ``name: Flink SQL type``; ``spark_ddl`` gives the same columns to Spark. Times are epoch milliseconds UTC.
A record's identity is its source coordinates (``source_topic``, ``source_partition``, ``source_offset``): those of the
event it came from. Delivery is at-least-once, so a reader drops redelivered copies by that identity.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

# A topic and one of its partitions.
Partition = tuple[str, int]


@dataclass(frozen=True)
class Coordinates:
    """Where a record lies in Kafka."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"topic {self.topic}, partition {self.partition}, offset {self.offset}"


# NaN is a missing value. ``source_crc`` is the CRC-32 of the event's raw bytes: the ledger finds altered events by it.
# ``amount`` and ``currency`` are as sent; ``amount_base`` is the amount in the pack's base currency, which features read.
# ``money_out``, by the pack's rules: true when the event moved its amount out, false when that was tried and refused, null
# when it moves none; a negative amount moves none.
# ``behind_watermark`` is true for an event that came behind the watermark, so that patterns may not have seen it;
# ``identity_forgotten`` when an older event of its actor was forgotten for it before its time: a copy of that one would count.
FEATURES_COLUMNS: Final[dict[str, str]] = {
    "event_id": "STRING",
    "event_type": "STRING",
    "event_time_ms": "BIGINT",
    "actor_id": "STRING",
    "counterparty_id": "STRING",
    "device_id": "STRING",
    "country": "STRING",
    "channel": "STRING",
    "money_out": "BOOLEAN",
    "amount": "DECIMAL(18, 4)",
    "currency": "STRING",
    "amount_base": "DECIMAL(18, 4)",
    "feature_set": "STRING",
    "values": "ARRAY<DOUBLE>",
    "source_topic": "STRING",
    "source_partition": "INT",
    "source_offset": "BIGINT",
    "source_crc": "BIGINT",
    "sent_at_ms": "BIGINT",
    "behind_watermark": "BOOLEAN",
    "identity_forgotten": "BOOLEAN",
}

# ``raw`` is base64 of the record's bytes, of an oversized one the first MAX_EVENT_BYTES; ``detail`` names the field and what
# was found.
DEAD_LETTER_COLUMNS: Final[dict[str, str]] = {
    "reason": "STRING",
    "detail": "STRING",
    "source_topic": "STRING",
    "source_partition": "INT",
    "source_offset": "BIGINT",
    "source_crc": "BIGINT",
    "sent_at_ms": "BIGINT",
    "raw": "BYTES",
}

# One matched event of a pattern hit: (actor_id, event_id) tells which, as a pattern may match events of several actors;
# ``amount`` is in the pack's base currency, null for an event without one, ``amount_sent`` in ``currency``. ``own`` holds the
# pack's own fields as texts: booleans as true and false, numbers as the engine writes them.
HIT_EVENT_COLUMNS: Final[dict[str, str]] = {
    "actor_id": "STRING",
    "event_id": "STRING",
    "event_time_ms": "BIGINT",
    "amount": "DECIMAL(18, 4)",
    "money_out": "BOOLEAN",
    "event_type": "STRING",
    "counterparty_id": "STRING",
    "device_id": "STRING",
    "ip": "STRING",
    "country": "STRING",
    "channel": "STRING",
    "amount_sent": "DECIMAL(18, 4)",
    "currency": "STRING",
    "own": "MAP<STRING, STRING>",
}

HIT_EVENT: Final = f"ROW<{', '.join(f'{name} {kind}' for name, kind in HIT_EVENT_COLUMNS.items())}>"

# ``events`` lists the matched events, oldest first; ``currency`` is that of their amounts, null for a pack without one.
PATTERN_HIT_COLUMNS: Final[dict[str, str]] = {
    "pattern": "STRING",
    "pattern_version": "STRING",
    "fraud_type": "STRING",
    "severity": "STRING",
    "subject_type": "STRING",
    "subject_id": "STRING",
    "first_event_time_ms": "BIGINT",
    "last_event_time_ms": "BIGINT",
    "events": f"ARRAY<{HIT_EVENT}>",
    "currency": "STRING",
}

# ``scores`` holds one probability per class, in the order of the model's ``classes``; ``score`` = 1 - P(legitimate).
SCORE_COLUMNS: Final[dict[str, str]] = {
    "event_id": "STRING",
    "event_time_ms": "BIGINT",
    "actor_id": "STRING",
    "score": "DOUBLE",
    "scores": "ARRAY<DOUBLE>",
    "model_version": "STRING",
    "feature_set": "STRING",
    "source_topic": "STRING",
    "source_partition": "INT",
    "source_offset": "BIGINT",
    "source_crc": "BIGINT",
    "sent_at_ms": "BIGINT",
}

# A scored event over a threshold, with what the alert writer needs to explain it. ``fraud_type`` is the type whose
# score passed its threshold, or ``suspicious_activity``.
EVIDENCE_COLUMNS: Final[dict[str, str]] = {
    **FEATURES_COLUMNS,
    "score": "DOUBLE",
    "scores": "ARRAY<DOUBLE>",
    "fraud_type": "STRING",
    "type_score": "DOUBLE",
    "model_version": "STRING",
}

# Ground truth, on its own channel: one record per labelled event, written by the generator or the replay producer.
LABEL_COLUMNS: Final[dict[str, str]] = {
    "event_id": "STRING",
    "actor_id": "STRING",
    "event_time_ms": "BIGINT",
    "label_time_ms": "BIGINT",
    "campaign_id": "STRING",
    "verdict": "STRING",
    "source": "STRING",
}


def spark_ddl(columns: dict[str, str]) -> str:
    """``columns`` as a Spark DDL schema string."""
    return ", ".join(f"`{name}` {_spark_type(kind)}" for name, kind in columns.items())


def _spark_type(kind: str) -> str:
    # Within a row, Spark puts a colon between a field's name and its type.
    kind = re.sub(r"(ROW<|, )(\w+) (?=[A-Z])", r"\1\2: ", kind)
    return kind.replace("ROW<", "STRUCT<").replace("BYTES", "BINARY")


def flink_ddl(columns: dict[str, str]) -> str:
    """``columns`` as the column list of a Flink ``CREATE TABLE``."""
    return ",\n  ".join(f"`{name}` {kind}" for name, kind in columns.items())


def derived_record(value: bytes | None) -> dict[str, Any] | None:
    """Fields of a record that was made from an event, its source coordinates among them; None for any other bytes."""
    try:
        record = json.loads(value or b"")
        places = record["source_partition"], record["source_offset"]
        sound = isinstance(record["source_topic"], str) and all(type(place) is int and place >= 0 for place in places)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return record if sound else None
