"""Words of cases and allow-lists; the migrations hold their rules."""

from enum import StrEnum


class CaseStatus(StrEnum):
    """Where the case of an alert stands; one that nobody touched is open."""

    OPEN = "open"
    IN_REVIEW = "in_review"
    """Somebody is assigned."""
    CLOSED = "closed"
    """There is a disposition."""


class Disposition(StrEnum):
    """What an alert was."""

    CONFIRMED_FRAUD = "confirmed_fraud"
    FALSE_POSITIVE = "false_positive"
    INCONCLUSIVE = "inconclusive"


class CaseAction(StrEnum):
    """What somebody did to a case."""

    DISPOSITION = "disposition"
    ASSIGN = "assign"
    NOTE = "note"
    SNOOZE = "snooze"
    REOPEN = "reopen"


class EntryState(StrEnum):
    """Where an entry of an allow-list stands."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    """A second person approved it; it suppresses its subject's live alerts."""
    EXPIRED = "expired"
    REVOKED = "revoked"


class EntryDecision(StrEnum):
    """What a second person, or anybody later, decided on an entry."""

    APPROVED = "approved"
    REVOKED = "revoked"
