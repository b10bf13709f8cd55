"""What the engines found, read from their Kafka records: scored evidence and pattern hits.

The records are the platform's own, so one that breaks the contract is a fault to be loud about, not bad input to skip.
"""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Final, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY, Severity, SubjectType
from patternalarm.contracts.domain_pack import DomainPack

# An event_id may hold anything but must be followed by its time and amount, so those delimit the list's entries.
_HIT_EVENT: Final = re.compile(r"(.+?)\|(\d+)\|(-?[0-9.]*)(?:,|\Z)", re.DOTALL)

# JSON may hold a NUL in a producer's ids, PostgreSQL's text may not.
_NUL: Final = rb"\u0000"
_REPLACEMENT: Final = rb"\ufffd"


class ContractBreachError(RuntimeError):
    """A record of an internal topic is not what the contract says; the message names its coordinates."""


@dataclass(frozen=True)
class Coordinates:
    """Where a record lies in Kafka."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"topic {self.topic}, partition {self.partition}, offset {self.offset}"


@dataclass(frozen=True)
class HitEvent:
    """One event of a pattern hit; ``amount`` in currency units."""

    event_id: str
    event_time_ms: int
    amount: Decimal | None


def hit_events(text: str) -> tuple[HitEvent, ...]:
    """Parse a hit's ``events``: ``event_id|event_time_ms|amount`` joined by commas, oldest first.

    Raises:
        ValueError: the text is anything else.
    """
    events, position = [], 0
    while match := _HIT_EVENT.match(text, position):
        try:
            amount = Decimal(match[3]) if match[3] else None
        except InvalidOperation:
            raise ValueError(f"amount {match[3]!r} is no number") from None
        events.append(HitEvent(match[1], int(match[2]), amount))
        position = match.end()
    if position != len(text) or not events or text.endswith(","):
        raise ValueError("not a list of event_id|event_time_ms|amount")
    return tuple(events)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Evidence(_Record):
    """A scored event over a threshold (``EVIDENCE_COLUMNS``, as far as an alert needs them)."""

    event_id: str = Field(min_length=1)
    event_type: str
    event_time_ms: int
    actor_id: str = Field(min_length=1)
    counterparty_id: str | None = None
    device_id: str | None = None
    country: str | None = None
    channel: str | None = None
    amount: Decimal | None = None
    currency: str | None = None
    feature_set: str
    values: tuple[float | None, ...]
    sent_at_ms: int
    fraud_type: str
    type_score: float = Field(allow_inf_nan=False)
    model_version: str


class PatternHit(_Record):
    """A match of a pattern (``PATTERN_HIT_COLUMNS``)."""

    pattern: str = Field(min_length=1)
    pattern_version: str
    fraud_type: str
    severity: Severity
    subject_type: SubjectType
    subject_id: str = Field(min_length=1)
    first_event_time_ms: int
    last_event_time_ms: int
    events: Annotated[tuple[HitEvent, ...], BeforeValidator(lambda text: hit_events(str(text)))]
    currency: str | None = None


R = TypeVar("R", bound=_Record)


def _breach(at: Coordinates, what: str, why: str) -> ContractBreachError:
    return ContractBreachError(
        f"{at}: {what} breaks the contract ({why}); nothing of it was written. Mend the job that wrote it; if the "
        "record must go, move alerting.consumer_offset past it by hand"
    )


def _parse(kind: type[R], what: str, value: bytes | None, at: Coordinates) -> R:
    if value is None:
        raise _breach(at, what, "the record is empty")
    try:
        return kind.model_validate_json(value.replace(_NUL, _REPLACEMENT))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _breach(at, what, f"{place}: {first['msg']}" if place else first["msg"]) from error


def read_evidence(value: bytes | None, pack: DomainPack, at: Coordinates) -> Evidence:
    """Evidence of ``pack``'s domain from the value of the record at ``at``.

    Raises:
        ContractBreachError: it is no JSON, lacks or mistypes a column, or names a fraud type that the pack lacks.
    """
    evidence = _parse(Evidence, "evidence", value, at)
    if evidence.fraud_type not in pack.fraud_types and evidence.fraud_type != SUSPICIOUS_ACTIVITY:
        raise _breach(at, "evidence", f"fraud_type: pack {pack.name} has no {evidence.fraud_type!r}")
    if evidence.feature_set == pack.feature_set and len(evidence.values) != len(pack.features):
        raise _breach(at, "evidence", f"values: {len(evidence.values)} of {len(pack.features)} features")
    return evidence


def read_pattern_hit(value: bytes | None, pack: DomainPack, at: Coordinates) -> PatternHit:
    """A pattern hit of ``pack``'s domain from the value of the record at ``at``.

    Raises:
        ContractBreachError: it is no JSON, lacks or mistypes a column, or names a fraud type that the pack lacks.
    """
    hit = _parse(PatternHit, "pattern hit", value, at)
    if hit.fraud_type not in pack.fraud_types:
        raise _breach(at, "pattern hit", f"fraud_type: pack {pack.name} has no {hit.fraud_type!r}")
    return hit
