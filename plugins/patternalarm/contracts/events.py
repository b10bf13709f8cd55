"""The event contract: what a producer writes to ``events.<domain>`` and why an event is refused.

An event is one JSON object, UTF-8 without a byte order mark, keyed by its actor_id. Beside the common fields stand the
domain pack's typed fields, flat in the same object; fields that neither knows are passed over. It carries no label and no
hint of one.

What is accepted is never changed, and no value has two spellings: an event is exact, or it is refused with the remedy.

- A field stands once. Null and empty text are a missing field.
- Every text is free of control characters, of halves of characters and of white space at its ends, and in Unicode's form
  NFC; ``bounds`` says how long it may be.
- A number may stand in quotes, if it is a JSON number by itself; an integer may have a fraction of zeros.
- ``event_time`` is ISO 8601 with a zone, or epoch milliseconds, within the settings ``earliest_event_time`` and
  ``latest_event_time`` and at most ``MAX_FUTURE_SECONDS`` ahead of the broker's clock. It is read to the millisecond; what
  is finer is cut off.

The engine (``EventParser`` and its neighbours in Java) and ``event_schema`` are both made from this module and ``bounds``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from patternalarm.contracts.bounds import MAX_EVENT_BYTES, MAX_FUTURE_SECONDS

__all__ = [
    "COMMON_FIELDS",
    "COMMON_FIELD_NAMES",
    "MAX_EVENT_BYTES",
    "MAX_FUTURE_SECONDS",
    "SCHEMA_MAJOR",
    "SCHEMA_VERSION",
    "DeadLetterReason",
    "EventField",
    "FieldType",
    "Meaning",
    "PersonalData",
]

SCHEMA_VERSION: Final = "1.0"
SCHEMA_MAJOR: Final = "1"


class PersonalData(StrEnum):
    """Personal-data class of a field."""

    NONE = "none"
    PSEUDONYM = "pseudonym"
    DIRECT = "direct"


class FieldType(StrEnum):
    """JSON type of a field; ``decimal`` is a number exact to four places, ``time`` ISO 8601 with a zone or epoch ms."""

    STRING = "string"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DECIMAL = "decimal"
    TIME = "time"


class Meaning(StrEnum):
    """What the values of a text field are.

    ``ip`` is a dotted quad or, by RFC 5952, an IPv6 address (an IPv4 address inside one is written as a dotted quad);
    ``country`` an ISO 3166-1 alpha-2 code; ``currency`` an ISO 4217 code, beside an amount one with a rate in the pack.
    """

    TEXT = "text"
    ID = "id"
    COUNTRY = "country"
    CURRENCY = "currency"
    IP = "ip"


@dataclass(frozen=True)
class EventField:
    """One field of the event contract."""

    name: str
    type: FieldType
    required: bool
    personal: PersonalData
    description: str
    meaning: Meaning = Meaning.TEXT


COMMON_FIELDS: Final[tuple[EventField, ...]] = (
    EventField("event_id", FieldType.STRING, True, PersonalData.NONE, "Unique id given by the producer.", Meaning.ID),
    EventField("schema_version", FieldType.STRING, True, PersonalData.NONE, "Version of this contract, major.minor."),
    EventField("domain", FieldType.STRING, True, PersonalData.NONE, "Domain pack that the event belongs to."),
    EventField("event_type", FieldType.STRING, True, PersonalData.NONE, "What happened, in the pack's words."),
    EventField("event_time", FieldType.TIME, True, PersonalData.NONE, "When it happened, UTC."),
    EventField(
        "actor_id", FieldType.STRING, True, PersonalData.PSEUDONYM, "Who acted: card, player, device owner.", Meaning.ID
    ),
    EventField(
        "counterparty_id",
        FieldType.STRING,
        False,
        PersonalData.PSEUDONYM,
        "The other side, if there is one.",
        Meaning.ID,
    ),
    EventField("device_id", FieldType.STRING, False, PersonalData.PSEUDONYM, "Device that was used.", Meaning.ID),
    EventField("ip", FieldType.STRING, False, PersonalData.DIRECT, "Network address.", Meaning.IP),
    EventField(
        "country",
        FieldType.STRING,
        False,
        PersonalData.NONE,
        "ISO 3166-1 alpha-2 code of where it happened.",
        Meaning.COUNTRY,
    ),
    EventField("amount", FieldType.DECIMAL, False, PersonalData.NONE, "Value moved, in currency units."),
    EventField(
        "currency",
        FieldType.STRING,
        False,
        PersonalData.NONE,
        "ISO 4217 code; required with amount.",
        Meaning.CURRENCY,
    ),
    EventField("channel", FieldType.STRING, False, PersonalData.NONE, "Way in: web, app, pos, api and the like."),
)

COMMON_FIELD_NAMES: Final = frozenset(field.name for field in COMMON_FIELDS)


class DeadLetterReason(StrEnum):
    """Why an event went to the dead-letter topic instead of being featurised; its detail says what to do about it."""

    MALFORMED_JSON = "malformed_json"
    OVERSIZED = "oversized"
    TOO_DEEP = "too_deep"
    DUPLICATE_FIELD = "duplicate_field"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_SCHEMA_VERSION = "unknown_schema_version"
    WRONG_DOMAIN = "wrong_domain"
    BAD_EVENT_TIME = "bad_event_time"
    BAD_ID = "bad_id"
    BAD_VALUE = "bad_value"
    """A field that is no id is out of bounds, has another spelling, or is not what its meaning says."""
    UNKNOWN_CURRENCY = "unknown_currency"
    LATE = "late"
    DUPLICATE = "duplicate"
    """The actor's event of this id came before, with the same content."""
    CONFLICTING = "conflicting"
    """The actor's event of this id came before, with other content."""
