"""Entries of allow-lists."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from patternalarm.api.models.base import Answer, Asked, Name, Note
from patternalarm.contracts.alerts import SubjectType
from patternalarm.contracts.cases import EntryState

_PROPOSAL: JsonDict = {
    "domain": "payments",
    "subjectType": "actor",
    "subjectId": "acct-104711",
    "fraudType": "card_testing",
    "reason": "The merchant's own test account.",
    "expiresAt": "2027-02-01T00:00:00Z",
}

_ENTRY: JsonDict = {
    **_PROPOSAL,
    "entryId": 3,
    "subjectId": "•••4711",
    "state": "active",
    "proposedBy": "dana",
    "proposedAt": "2026-11-27T08:20:00Z",
    "approvedBy": "kim",
    "approvedAt": "2026-11-27T08:25:00Z",
    "revokedBy": None,
    "revokedAt": None,
    "revokedNote": None,
    "suppressedAlerts": 12,
}


class AllowListRequest(Asked):
    """Whose alerts are to be kept out of the queue, why, and until when: at most 366 days."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PROPOSAL]})

    domain: Name
    subject_type: SubjectType
    subject_id: Name
    fraud_type: Annotated[Name | None, Field(description="Null: alerts of every type.")] = None
    reason: Note
    expires_at: AwareDatetime


class RevokeRequest(Asked):
    """Why an entry ends before its time."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"note": "The test is over."}]})

    note: Note | None = None


class AllowListEntry(Answer):
    """An entry of an allow-list, with who proposed, approved and revoked it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENTRY]})

    entry_id: int
    domain: str
    subject_type: SubjectType
    subject_id: Annotated[str, Field(description="Pseudonym of the subject; masked unless unmask is asked for.")]
    fraud_type: Annotated[str | None, Field(description="Null: alerts of every type.")]
    reason: str
    expires_at: datetime
    state: EntryState
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    revoked_by: str | None
    revoked_at: datetime | None
    revoked_note: str | None
    suppressed_alerts: Annotated[int, Field(description="Alerts that it has kept out of the queue.")]


class AllowListPage(Answer):
    """A page of entries, newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_ENTRY], "next": None}]})

    items: list[AllowListEntry]
    next: Annotated[str | None, Field(description="Cursor of the next page; null on the last one.")]
