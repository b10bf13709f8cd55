"""The alert contract: identity, severity, status."""

import hashlib
from enum import StrEnum
from typing import Final

LEGITIMATE: Final = "legitimate"

# The alert type when the score is high and no fraud type's is.
SUSPICIOUS_ACTIVITY: Final = "suspicious_activity"


class Severity(StrEnum):
    """Severity of an alert, lowest first."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


SEVERITY_RANK: Final[dict[Severity, int]] = {severity: rank for rank, severity in enumerate(Severity)}

# Lowest type score that earns a severity, highest first. Pattern hits carry the severity of the pattern's header.
SEVERITY_BY_SCORE: Final[tuple[tuple[float, Severity], ...]] = (
    (0.9, Severity.CRITICAL),
    (0.75, Severity.HIGH),
    (0.5, Severity.MEDIUM),
    (0.0, Severity.LOW),
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


def severity_of_score(score: float) -> Severity:
    """Severity that a type score in [0, 1] earns by itself."""
    for floor, severity in SEVERITY_BY_SCORE:
        if score >= floor:
            return severity
    return Severity.LOW


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
