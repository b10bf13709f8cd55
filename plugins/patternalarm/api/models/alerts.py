"""Alerts, their events and cases, as analysts and programs read them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from patternalarm.api.models.base import Answer, Asked, Name, Note
from patternalarm.contracts.alerts import EvidenceSource, Severity, SubjectType
from patternalarm.contracts.cases import CaseAction, CaseStatus, Disposition

_ID = "5f0c5f1ab2b0c9d4e1a7d2c3b4a59687"

_CASE: JsonDict = {
    "version": 2,
    "status": "in_review",
    "assignee": "kim",
    "disposition": None,
    "snoozedUntil": None,
    "updatedAt": "2026-11-27T08:16:03.120000Z",
}

_ALERT: JsonDict = {
    "alertId": _ID,
    "scope": "live",
    "domain": "payments",
    "fraudType": "account_takeover",
    "severity": "critical",
    "score": 0.93,
    "subjectType": "actor",
    "subjectId": "•••4711",
    "reasons": [
        {"code": "new_device", "text": "the device is new to this account", "contribution": 0.21, "source": "score"}
    ],
    "amountAtRisk": "5120.0000",
    "amountTried": "0.0000",
    "currency": "EUR",
    "eventCount": 3,
    "firstSource": "score",
    "firstEventTime": "2026-11-27T08:14:50Z",
    "lastEventTime": "2026-11-27T08:15:02Z",
    "detectedAt": "2026-11-27T08:15:02.184000Z",
    "updatedAt": "2026-11-27T08:15:02.184000Z",
    "modelVersion": "payments-20261120",
    "patternVersion": None,
    "packVersion": "1",
    "relatedAlertId": None,
    "suppressedBy": None,
    "case": _CASE,
}

_EVENT: JsonDict = {
    "actorId": "•••4711",
    "eventId": "e-20261127-081502-17",
    "source": "score",
    "eventTime": "2026-11-27T08:15:02Z",
    "amount": "5120.0000",
    "moneyOut": True,
    "score": 0.93,
    "detail": "payments-20261120",
    "committedAt": "2026-11-27T08:15:02.184000Z",
    "fields": {"event_type": "transfer", "device_id": "•••a91c", "country": "RO", "currency": "EUR"},
    "features": {"amount_ratio": 11.4, "devices_2m": 2.0, "mean_amount_30d": 449.1},
}

_ACTION: JsonDict = {
    "version": 1,
    "action": "assign",
    "status": "in_review",
    "assignee": "kim",
    "disposition": None,
    "snoozedUntil": None,
    "note": None,
    "writtenBy": "dana",
    "writtenAt": "2026-11-27T08:15:40Z",
}


class AlertReason(Answer):
    """Why an alert was raised, as a sentence with the event's own numbers."""

    code: Annotated[str, Field(description="Feature or pattern.")]
    text: str
    contribution: Annotated[
        float | None, Field(description="Change of the type's probability by this feature; null for a pattern.")
    ] = None
    source: EvidenceSource | None = None


class CaseState(Answer):
    """Where the case of an alert stands. ``version`` is what If-Match asks for; 0 while nobody touched it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CASE]})

    version: int = 0
    status: CaseStatus = CaseStatus.OPEN
    assignee: str | None = None
    disposition: Disposition | None = None
    snoozed_until: datetime | None = None
    updated_at: datetime | None = None


class CaseEvent(Answer):
    """What somebody did to a case, and how it stood then."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACTION]})

    version: int
    action: CaseAction
    status: CaseStatus
    assignee: str | None
    disposition: Disposition | None
    snoozed_until: datetime | None
    note: str | None
    written_by: str
    written_at: datetime


class Alert(Answer):
    """An alert with its case. Amounts are exact, as texts, in ``currency``."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ALERT]})

    alert_id: str
    scope: Annotated[str, Field(description="live, or the run_id of a load test or replay.")]
    domain: str
    fraud_type: str
    severity: Severity
    score: Annotated[float | None, Field(description="Highest type score of its events; null for a pattern alone.")]
    subject_type: SubjectType
    subject_id: Annotated[str, Field(description="Pseudonym of the subject; masked unless unmask is asked for.")]
    reasons: list[AlertReason]
    amount_at_risk: Annotated[Decimal, Field(description="Money that its events moved out.")]
    amount_tried: Annotated[Decimal, Field(description="Money that they tried to move out and that was refused.")]
    currency: str | None
    event_count: int
    first_source: EvidenceSource
    first_event_time: datetime
    last_event_time: datetime
    detected_at: datetime
    updated_at: datetime
    model_version: str | None
    pattern_version: str | None
    pack_version: str
    related_alert_id: Annotated[str | None, Field(description="Alert of the same subject and type, an episode before.")]
    suppressed_by: Annotated[int | None, Field(description="Entry of the allow-list that keeps it out of the queue.")]
    case: CaseState


class AlertEvent(Answer):
    """An event of an alert, by one source. ``amount`` is in the alert's currency."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EVENT]})

    actor_id: str
    event_id: str
    source: EvidenceSource
    event_time: datetime
    amount: Decimal | None
    money_out: Annotated[
        bool | None, Field(description="True: it moved its amount out; false: that was refused; null: neither.")
    ]
    score: float | None
    detail: Annotated[str | None, Field(description="Pattern for a pattern, model version for a score.")]
    committed_at: datetime
    fields: Annotated[
        dict[str, Any] | None,
        Field(description="The event's fields by name, as far as the finding told them; amount and currency as sent."),
    ]
    features: Annotated[
        dict[str, float | None] | None, Field(description="Feature values by name, null = missing; null for a pattern.")
    ]


class AlertDetail(Alert):
    """An alert with its events, oldest first, and all that was done to its case."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_ALERT, "events": [_EVENT], "eventsLeftOff": 0, "history": [_ACTION]}]}
    )

    events: list[AlertEvent]
    events_left_off: Annotated[int, Field(description="Rows that were left off to keep the answer short.")] = 0
    history: list[CaseEvent]


class AlertPage(Answer):
    """A page of alerts."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_ALERT], "next": "eyJmIjoi…"}]})

    items: list[Alert]
    next: Annotated[str | None, Field(description="Cursor of the next page; null on the last one.")]


class DispositionRequest(Asked):
    """What the alert was, and why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"disposition": "confirmed_fraud", "note": "The holder knows nothing of it."}]}
    )

    disposition: Disposition
    note: Note


class AssignRequest(Asked):
    """Who works on it; null for nobody."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"assignee": "kim", "note": "Knows the merchant."}]})

    assignee: Name | None
    note: Note | None = None


class NoteRequest(Asked):
    """Something to keep in mind."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "Called the holder, no answer."}]})

    note: Note


class SnoozeRequest(Asked):
    """Until when it stays out of sight: at most 90 days."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"until": "2026-12-01T08:00:00Z", "note": "Awaits the bank."}]}
    )

    until: AwareDatetime
    note: Note | None = None


class ReopenRequest(Asked):
    """Why a closed case is worked on again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "A chargeback came in."}]})

    note: Note
