"""The alert contract: identity, severity, status."""

import hashlib
from decimal import Decimal
from enum import StrEnum
from typing import Final

LEGITIMATE: Final = "legitimate"

# Stands for every fraud type together where figures are told by type.
ALL_TYPES: Final = "all"

# The alert type when the score is high and no fraud type's is.
SUSPICIOUS_ACTIVITY: Final = "suspicious_activity"


class Severity(StrEnum):
    """Severity of an alert, lowest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


SEVERITY_RANK: Final[dict[Severity, int]] = {severity: rank for rank, severity in enumerate(Severity)}

# Severity of the alert type that is no fraud type of a pack.
SUSPICIOUS_SEVERITY: Final = Severity.MEDIUM

# A type score under this is a weak one: it passed its threshold, but the model is far from sure.
WEAK_SCORE: Final = 0.6

# The rule of severity in one sentence, for whoever reads an alert; ``base_severity`` and ``severity_of`` are it.
SEVERITY_RULE: Final = (
    "An alert starts at the severity of its fraud type, one step lower on a score under 60 %, or at that of the pattern "
    "that hit, whichever is higher; much money at risk adds one step; it never falls."
)


class SubjectType(StrEnum):
    """What an alert is about."""

    ACTOR = "actor"
    DEVICE = "device"
    PAIR = "pair"
    RING = "ring"


class EvidenceSource(StrEnum):
    """Which engine's finding an alert row rests on."""

    SCORE = "score"
    PATTERN = "pattern"


def base_severity(severity_of_type: Severity, score: float) -> Severity:
    """Severity that a type score in [0, 1] gives an alert of a type, whatever the money."""
    return severity_of_type if score >= WEAK_SCORE else _stepped(severity_of_type, -1)


def severity_of(base: Severity, money_at_risk: Decimal, much_money: Decimal | None) -> Severity:
    """Severity of an alert: ``base``, the highest that its findings give, and one step more for much money.

    ``much_money`` is the pack's; without one money changes nothing. Both are in the pack's base currency.
    """
    return _stepped(base, 1) if much_money is not None and money_at_risk >= much_money else base


def _stepped(severity: Severity, steps: int) -> Severity:
    ranks = list(Severity)
    return ranks[min(max(SEVERITY_RANK[severity] + steps, 0), len(ranks) - 1)]


def episode_of(event_time_ms: int, episode_ms: int) -> int:
    """Number of the episode that a trigger falls into: ``floor(event_time / episode length)``."""
    return event_time_ms // episode_ms


def alert_id_of(
    scope: str, domain: str, subject_type: str, subject_id: str, fraud_type: str, event_time_ms: int, episode_ms: int
) -> str:
    """Alert identity: 32 hex digits of SHA-256 over scope, domain, subject, fraud type and the trigger's episode.

    A pure function of one trigger, so replays, retries and restarts upsert and never duplicate.
    """
    parts = (
        scope,
        domain,
        subject_type,
        subject_id,
        fraud_type,
        str(episode_of(event_time_ms, episode_ms)),
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
