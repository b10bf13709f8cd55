"""The event contract: what a producer writes to ``events.<domain>`` and why an event is refused.

An event is one JSON object, UTF-8, keyed by its actor_id. Beside the common fields stand the domain pack's typed
fields, flat in the same object. It carries no label and no hint of one.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

SCHEMA_VERSION: Final = "1.0"
SCHEMA_MAJOR: Final = "1"

# Kafka's default for one record is 1 MB; a fraud event is under 1 KB, so anything past this is a producer's fault.
MAX_EVENT_BYTES: Final = 65_536

# A clock this far ahead of Kafka's own would push the watermark past every honest event.
MAX_FUTURE_SECONDS: Final = 300


class PersonalData(StrEnum):
    """Personal-data class of a field."""

    NONE = "none"
    PSEUDONYM = "pseudonym"
    DIRECT = "direct"


class FieldType(StrEnum):
    """JSON type of a field; ``decimal`` is a number exact to four places, ``time`` ISO 8601 UTC or epoch ms."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    TIME = "time"


@dataclass(frozen=True)
class EventField:
    """One field of the event contract."""

    name: str
    type: FieldType
    required: bool
    personal: PersonalData
    description: str


COMMON_FIELDS: Final[tuple[EventField, ...]] = (
    EventField("event_id", FieldType.STRING, True, PersonalData.NONE, "Unique id given by the producer."),
    EventField("schema_version", FieldType.STRING, True, PersonalData.NONE, "Version of this contract, major.minor."),
    EventField("domain", FieldType.STRING, True, PersonalData.NONE, "Domain pack that the event belongs to."),
    EventField("event_type", FieldType.STRING, True, PersonalData.NONE, "What happened, in the pack's words."),
    EventField("event_time", FieldType.TIME, True, PersonalData.NONE, "When it happened, UTC."),
    EventField("actor_id", FieldType.STRING, True, PersonalData.PSEUDONYM, "Who acted: card, player, device owner."),
    EventField("counterparty_id", FieldType.STRING, False, PersonalData.PSEUDONYM, "The other side, if there is one."),
    EventField("device_id", FieldType.STRING, False, PersonalData.PSEUDONYM, "Device that was used."),
    EventField("ip", FieldType.STRING, False, PersonalData.DIRECT, "Network address."),
    EventField("country", FieldType.STRING, False, PersonalData.NONE, "ISO 3166-1 alpha-2 code of where it happened."),
    EventField("amount", FieldType.DECIMAL, False, PersonalData.NONE, "Value moved, in currency units."),
    EventField("currency", FieldType.STRING, False, PersonalData.NONE, "ISO 4217 code; required with amount."),
    EventField("channel", FieldType.STRING, False, PersonalData.NONE, "Way in: web, app, pos, api and the like."),
)

COMMON_FIELD_NAMES: Final = frozenset(field.name for field in COMMON_FIELDS)


class DeadLetterReason(StrEnum):
    """Why an event went to the dead-letter topic instead of being featurised."""

    MALFORMED_JSON = "malformed_json"
    OVERSIZED = "oversized"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_SCHEMA_VERSION = "unknown_schema_version"
    WRONG_DOMAIN = "wrong_domain"
    BAD_EVENT_TIME = "bad_event_time"
    LATE = "late"
