"""The event contract as others read it: a JSON Schema for producers, and the part of the job spec that the engine reads."""

from typing import Any

from patternalarm.contracts import bounds
from patternalarm.contracts.codes import country_codes, currency_codes
from patternalarm.contracts.domain_pack import DomainPack, PackField
from patternalarm.contracts.events import COMMON_FIELDS, SCHEMA_MAJOR, EventField, FieldType, Meaning

# The end of the text, where `$` would leave room for a line feed.
_END = r"(?![\s\S])"
_TEXT = r"^(?!\s)[^\u0000-\u001f\u007f-\u009f\ud800-\udfff]*(?<!\s)" + _END
_NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?" + _END
_TIME = (
    r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]"
    r"(:[0-5][0-9]([.,][0-9]{1,9})?)?([Zz]|[+-]([01][0-9])(:[0-5][0-9])?)" + _END
)
_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IP = rf"^({_OCTET}\.){{3}}{_OCTET}{_END}|^[0-9a-f:]*:[0-9a-f:]*{_END}"


def _fields(pack: DomainPack) -> tuple[EventField | PackField, ...]:
    return (*COMMON_FIELDS, *pack.fields)


def meaning_of(field: EventField | PackField) -> Meaning:
    """What the field's values are; a pack's own text fields are texts."""
    return field.meaning if isinstance(field, EventField) else Meaning.TEXT


def contract_spec(pack: DomainPack, event_times_ms: tuple[int, int]) -> dict[str, Any]:
    """The contract of ``pack``'s events as the engine's ``JobSpec`` reads it; times in epoch milliseconds.

    Args:
        pack: the domain.
        event_times_ms: the earliest and the latest event time, of the settings.
    """
    earliest, latest = event_times_ms
    currency = pack.currency
    return {
        "domain": pack.name,
        "schema_major": SCHEMA_MAJOR,
        "max_event_bytes": bounds.MAX_EVENT_BYTES,
        "max_future_ms": bounds.MAX_FUTURE_SECONDS * 1000,
        "max_nesting": bounds.MAX_NESTING,
        "max_name_characters": bounds.MAX_NAME_CHARACTERS,
        "max_id_characters": bounds.MAX_ID_CHARACTERS,
        "max_text_characters": bounds.MAX_TEXT_CHARACTERS,
        "max_number_characters": bounds.MAX_NUMBER_CHARACTERS,
        "max_detail_characters": bounds.MAX_DETAIL_CHARACTERS,
        "max_amount": bounds.MAX_AMOUNT,
        "max_number": bounds.MAX_NUMBER,
        "earliest_event_time_ms": earliest,
        "latest_event_time_ms": latest,
        "countries": sorted(country_codes()),
        "currencies": sorted(currency_codes()),
        "base_currency": currency.base if currency else None,
        "rates": {code: str(rate) for code, rate in sorted(currency.all_rates.items())} if currency else {},
        "fields": [
            {"name": f.name, "type": f.type, "meaning": meaning_of(f), "required": f.required} for f in _fields(pack)
        ],
    }


def _bounded(limit: int, kind: str, text: str) -> list[dict[str, Any]]:
    return [
        {"type": kind, "minimum": -limit, "maximum": limit},
        {"type": "string", "pattern": text, "maxLength": bounds.MAX_NUMBER_CHARACTERS},
    ]


def _text(field: EventField | PackField) -> dict[str, Any]:
    match meaning_of(field):
        case Meaning.COUNTRY:
            return {"enum": sorted(country_codes())}
        case Meaning.CURRENCY:
            return {"enum": sorted(currency_codes())}
        case Meaning.IP:
            return {"type": "string", "pattern": _IP}
        case Meaning.ID:
            return {"type": "string", "pattern": _TEXT, "minLength": 1, "maxLength": bounds.MAX_ID_CHARACTERS}
        case Meaning.TEXT:
            return {"type": "string", "pattern": _TEXT, "minLength": 1, "maxLength": bounds.MAX_TEXT_CHARACTERS}


def _values(field: EventField | PackField, pack: DomainPack, event_times_ms: tuple[int, int]) -> list[dict[str, Any]]:
    """What the field's values may be, apart from missing."""
    match field.type:
        case FieldType.STRING if field.name == "domain":
            return [{"const": pack.name}]
        case FieldType.STRING if field.name == "schema_version":
            return [{"type": "string", "pattern": rf"^{SCHEMA_MAJOR}\.(0|[1-9][0-9]*)" + _END}]
        case FieldType.STRING:
            return [_text(field)]
        case FieldType.BOOLEAN:
            return [{"type": "boolean"}]
        case FieldType.INTEGER:
            return _bounded(bounds.MAX_NUMBER, "integer", _NUMBER)
        case FieldType.NUMBER:
            return _bounded(bounds.MAX_NUMBER, "number", _NUMBER)
        case FieldType.DECIMAL:
            return _bounded(bounds.MAX_AMOUNT, "number", _NUMBER)
        case FieldType.TIME:
            earliest, latest = event_times_ms
            return [
                {"type": "integer", "minimum": earliest, "maximum": latest},
                {"type": "string", "pattern": f"{_TIME}|{_NUMBER}"},
            ]


def event_json_schema(pack: DomainPack, event_times_ms: tuple[int, int]) -> dict[str, Any]:
    """JSON Schema (2020-12) of ``pack``'s events.

    It says less than the contract where a schema can say nothing: of bytes, of a field that stands twice, of nesting, of
    decimal places, of Unicode's form NFC, of the base amount, of numbers in quotes beyond their grammar, of the calendar and
    of clocks.

    Args:
        pack: the domain.
        event_times_ms: the earliest and the latest event time, of the settings.
    """
    fields = _fields(pack)
    missing: dict[str, Any] = {"enum": [None, ""]}
    properties = {
        field.name: {
            "description": field.description,
            "anyOf": [*_values(field, pack, event_times_ms), *([] if field.required else [missing])],
        }
        for field in fields
    }
    rated = sorted(pack.currency.all_rates) if pack.currency else []
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Event of {pack.name}",
        "type": "object",
        "required": [field.name for field in fields if field.required],
        "properties": properties,
        "propertyNames": {"maxLength": bounds.MAX_NAME_CHARACTERS},
        "if": {"required": ["amount"], "properties": {"amount": {"not": missing}}},
        "then": {"required": ["currency"], "properties": {"currency": {"enum": rated}}},
    }
