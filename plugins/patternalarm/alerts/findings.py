"""What the engines found, read from their Kafka records: scored evidence and pattern hits.

A record that breaks the contract is a fault of the job that wrote it, and may stop nobody: it goes to quarantine.
"""

import json
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY, Severity, SubjectType
from patternalarm.contracts.bounds import AMOUNT_PLACES, FIRST_TIME_MS, LAST_TIME_MS, MAX_AMOUNT, MAX_ID_CHARACTERS
from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.contracts.quarantine import QuarantineReason, Stage
from patternalarm.contracts.records import Coordinates

# Room for a subject made of three ids, in an index of PostgreSQL.
_MAX_CHARACTERS: Final = 4 * MAX_ID_CHARACTERS


_MOST_DIGITS: Final = 400


class ContractBreachError(ValueError):
    """A record of an internal topic is not what the contract says; the message says what is wrong with it."""


def _finite_or_missing(value: float | None) -> float | None:
    if value is not None and math.isinf(value):
        raise ValueError("a feature is a finite number, or missing")
    return value


Text = Annotated[str, Field(max_length=_MAX_CHARACTERS)]
Id = Annotated[str, Field(min_length=1, max_length=_MAX_CHARACTERS)]
EpochMs = Annotated[int, Field(ge=FIRST_TIME_MS, le=LAST_TIME_MS)]
Amount = Annotated[Decimal, Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT, decimal_places=AMOUNT_PLACES)]
FeatureValue = Annotated[float | None, AfterValidator(_finite_or_missing)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class HitEvent(_Record):
    """One event of a pattern hit (``HIT_EVENT_COLUMNS``); ``amount`` in the pack's base currency."""

    actor_id: Id
    event_id: Id
    event_time_ms: EpochMs
    amount: Amount | None = None
    money_out: bool | None = None
    event_type: Text | None = None
    counterparty_id: Text | None = None
    device_id: Text | None = None
    ip: Text | None = None
    country: Text | None = None
    channel: Text | None = None
    amount_sent: Amount | None = None
    currency: Text | None = None
    own: dict[Text, Text | None] | None = None


class Evidence(_Record):
    """A scored event over a threshold (``EVIDENCE_COLUMNS``, as far as an alert needs them)."""

    event_id: Id
    event_type: Text
    event_time_ms: EpochMs
    actor_id: Id
    counterparty_id: Text | None = None
    device_id: Text | None = None
    country: Text | None = None
    channel: Text | None = None
    money_out: bool | None = None
    amount: Amount | None = None
    currency: Text | None = None
    amount_base: Amount | None = None
    feature_set: Text
    values: tuple[FeatureValue, ...]
    sent_at_ms: EpochMs
    fraud_type: Text
    type_score: float = Field(ge=0, le=1)
    model_version: Text


class PatternHit(_Record):
    """A match of a pattern (``PATTERN_HIT_COLUMNS``)."""

    pattern: Id
    pattern_version: Text
    fraud_type: Text
    severity: Severity
    subject_type: SubjectType
    subject_id: Id
    first_event_time_ms: EpochMs
    last_event_time_ms: EpochMs
    events: Annotated[tuple[HitEvent, ...], Field(min_length=1)]
    currency: Text | None = None


class PassedOn(_Record):
    """What another stage could not take (``QUARANTINE_COLUMNS``)."""

    stage: Stage
    topic: Id
    partition: Annotated[int, Field(ge=0, lt=2**31)]
    offset: Annotated[int, Field(ge=0, lt=2**63)]
    reason: QuarantineReason
    detail: Text
    raw: Base64Bytes | None = None


class _Source(_Record):
    """Coordinates of the event that a record was made from."""

    source_topic: Id
    source_partition: Annotated[int, Field(ge=0, lt=2**31)]
    source_offset: Annotated[int, Field(ge=0, lt=2**63)]


Finding = Evidence | PatternHit


@dataclass(frozen=True)
class Found:
    """A finding, and the record that it was read from."""

    finding: Finding
    at: Coordinates
    raw: bytes


@dataclass(frozen=True)
class Quarantined:
    """A record that ``stage`` could not take; ``source`` is the event that it was made from, if it tells."""

    stage: Stage
    at: Coordinates
    source: Coordinates | None
    reason: QuarantineReason
    detail: str
    raw: bytes | None


R = TypeVar("R", bound=_Record)


def _exactly(text: str) -> Decimal | float:
    # pydantic's own reader of JSON goes through a float and is one off in the last place of a large amount. Numbers that
    # are none of the contract's stay floats: 1e999999999 as an integer would take minutes to write down.
    number = Decimal(text)
    return number if abs(number.adjusted()) < _MOST_DIGITS else float(text)


def _parse(kind: type[R], value: bytes | None) -> R:
    if value is None:
        raise ContractBreachError("the record is empty")
    try:
        fields = json.loads(value, parse_float=_exactly)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ContractBreachError(f"it is no JSON that can be read: {error}") from error
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ContractBreachError(f"{place}: {first['msg']}" if place else first["msg"]) from error


def read_evidence(value: bytes | None, pack: DomainPack) -> Evidence | PassedOn:
    """Evidence of ``pack``'s domain from a record's value, or what the scorer could not take.

    Raises:
        ContractBreachError: it is no JSON, lacks or mistypes a column, or names a fraud type that the pack lacks.
    """
    try:
        evidence = _parse(Evidence, value)
    except ContractBreachError:
        try:
            return _parse(PassedOn, value)
        except ContractBreachError:
            pass
        raise
    if evidence.fraud_type not in pack.fraud_types and evidence.fraud_type != SUSPICIOUS_ACTIVITY:
        raise ContractBreachError(f"fraud_type: pack {pack.name} has no {evidence.fraud_type!r}")
    if evidence.feature_set == pack.feature_set and len(evidence.values) != len(pack.features):
        raise ContractBreachError(f"values: {len(evidence.values)} of {len(pack.features)} features")
    return evidence


def read_pattern_hit(value: bytes | None, pack: DomainPack) -> PatternHit:
    """A pattern hit of ``pack``'s domain from a record's value.

    Raises:
        ContractBreachError: it is no JSON, lacks or mistypes a column, or names a fraud type that the pack lacks.
    """
    hit = _parse(PatternHit, value)
    if hit.fraud_type not in pack.fraud_types:
        raise ContractBreachError(f"fraud_type: pack {pack.name} has no {hit.fraud_type!r}")
    return hit


def passed_on(record: PassedOn) -> Quarantined:
    """The quarantine of another stage's record."""
    at = Coordinates(record.topic, record.partition, record.offset)
    return Quarantined(record.stage, at, _source_of(record.raw), record.reason, record.detail, record.raw)


def quarantined(at: Coordinates, raw: bytes | None, reason: QuarantineReason, error: Exception) -> Quarantined:
    """The quarantine of a record that the alert writer itself could not take."""
    return Quarantined(Stage.ALERT_WRITER, at, _source_of(raw), reason, str(error).strip(), raw)


def _source_of(value: bytes | None) -> Coordinates | None:
    try:
        source = _parse(_Source, value)
    except ContractBreachError:
        return None
    return Coordinates(source.source_topic, source.source_partition, source.source_offset)
