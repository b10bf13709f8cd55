"""A batch of findings as rows: one draft per alert, one row per (alert, actor, event, source)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from patternalarm.alerts.context import Fields, features_of, fields_of_evidence, fields_of_hit
from patternalarm.alerts.findings import Evidence, PatternHit
from patternalarm.alerts.reasons import Reason
from patternalarm.contracts.alerts import (
    SEVERITY_RANK,
    SUSPICIOUS_SEVERITY,
    EvidenceSource,
    Severity,
    SubjectType,
    alert_id_of,
    base_severity,
    episode_of,
)
from patternalarm.contracts.domain_pack import DomainPack


@dataclass(frozen=True)
class AlertIdentity:
    """Which alert a trigger belongs to, and the alerts of the same subject and type in the episodes around it."""

    alert_id: str
    previous_alert_id: str
    next_alert_id: str
    subject_type: SubjectType
    subject_id: str
    fraud_type: str
    episode: int


@dataclass
class AlertDraft:
    """What a batch says of one alert. The first finding gives the trigger; severity, score and reasons only rise.

    ``severity`` is that of the findings; what the money adds is known when all of the alert's events are. ``reasons``
    are those of the patterns that hit and of the strongest evidence, ``strongest``.
    """

    identity: AlertIdentity
    first_source: EvidenceSource
    trigger_event_time_ms: int
    trigger_sent_at_ms: int | None
    severity: Severity
    score: float | None = None
    model_version: str | None = None
    pattern_version: str | None = None
    strongest: Evidence | None = None
    pattern_reasons: dict[str, Reason] = field(default_factory=dict)
    score_reasons: list[Reason] = field(default_factory=list)

    def raise_to(self, severity: Severity) -> None:
        """Let ``severity`` count if it is the higher one."""
        if SEVERITY_RANK[severity] > SEVERITY_RANK[self.severity]:
            self.severity = severity

    @property
    def reasons(self) -> list[Reason]:
        """Patterns first: a match is a certainty, a contribution is a share of one."""
        return [*self.pattern_reasons.values(), *self.score_reasons]


@dataclass(frozen=True)
class AlertEvent:
    """A row of ``alerting.alert_event``."""

    alert_id: str
    actor_id: str
    event_id: str
    source: EvidenceSource
    event_time_ms: int
    amount: Decimal | None
    money_out: bool | None
    score: float | None
    detail: str
    fields: Fields
    features: dict[str, float | None] | None


@dataclass(frozen=True)
class Batch:
    """Rows that one transaction writes."""

    drafts: tuple[AlertDraft, ...]
    events: tuple[AlertEvent, ...]


def identity_of(
    pack: DomainPack, scope: str, subject_type: SubjectType, subject_id: str, fraud_type: str, trigger_ms: int
) -> AlertIdentity:
    """Identity of the alert that a trigger at ``trigger_ms`` raises."""

    def in_episode(shift: int) -> str:
        at = trigger_ms + shift * pack.episode
        return alert_id_of(scope, pack.name, subject_type, subject_id, fraud_type, at, pack.episode)

    return AlertIdentity(
        alert_id=in_episode(0),
        previous_alert_id=in_episode(-1),
        next_alert_id=in_episode(1),
        subject_type=subject_type,
        subject_id=subject_id,
        fraud_type=fraud_type,
        episode=episode_of(trigger_ms, pack.episode),
    )


class BatchBuilder:
    """Turns findings into a batch. The trigger of a pattern hit is its last event, which completed the match."""

    def __init__(
        self,
        pack: DomainPack,
        scope: str,
        score_reasons: Callable[[Sequence[Evidence]], list[list[Reason]]],
        pattern_reason: Callable[[PatternHit], Reason],
    ) -> None:
        """Alerts of ``pack``'s domain in ``scope``; the callables explain evidence (many at once) and a hit."""
        self._pack, self._scope = pack, scope
        self._score_reasons, self._pattern_reason = score_reasons, pattern_reason

    def build(self, findings: Sequence[Evidence | PatternHit]) -> Batch:
        """The rows of ``findings``, which are in the order they were read in."""
        drafts: dict[str, AlertDraft] = {}
        events: list[AlertEvent] = []
        for finding in findings:
            if isinstance(finding, Evidence):
                events.append(self._add_evidence(drafts, finding))
            else:
                events.extend(self._add_hit(drafts, finding))
        # Only the strongest evidence of an alert can become its reasons, so only that is explained.
        explained = [(draft, draft.strongest) for draft in drafts.values() if draft.strongest]
        reasons = self._score_reasons([strongest for _, strongest in explained])
        for (draft, _), found in zip(explained, reasons, strict=True):
            draft.score_reasons = found
        return Batch(tuple(drafts.values()), tuple(events))

    def _add_evidence(self, drafts: dict[str, AlertDraft], evidence: Evidence) -> AlertEvent:
        fraud_type = self._pack.fraud_types.get(evidence.fraud_type)
        severity = base_severity(fraud_type.severity if fraud_type else SUSPICIOUS_SEVERITY, evidence.type_score)
        identity = identity_of(
            self._pack,
            self._scope,
            SubjectType.ACTOR,
            evidence.actor_id,
            evidence.fraud_type,
            evidence.event_time_ms,
        )
        draft = drafts.setdefault(
            identity.alert_id,
            AlertDraft(
                identity=identity,
                first_source=EvidenceSource.SCORE,
                trigger_event_time_ms=evidence.event_time_ms,
                trigger_sent_at_ms=evidence.sent_at_ms,
                severity=severity,
            ),
        )
        draft.raise_to(severity)
        if draft.score is None or evidence.type_score > draft.score:
            draft.score, draft.strongest = evidence.type_score, evidence
            draft.model_version = evidence.model_version
        return AlertEvent(
            alert_id=identity.alert_id,
            actor_id=evidence.actor_id,
            event_id=evidence.event_id,
            source=EvidenceSource.SCORE,
            event_time_ms=evidence.event_time_ms,
            amount=evidence.amount_base,
            money_out=evidence.money_out,
            score=evidence.type_score,
            detail=evidence.model_version,
            fields=fields_of_evidence(evidence, self._pack),
            features=features_of(evidence, self._pack),
        )

    def _add_hit(self, drafts: dict[str, AlertDraft], hit: PatternHit) -> list[AlertEvent]:
        identity = identity_of(
            self._pack, self._scope, hit.subject_type, hit.subject_id, hit.fraud_type, hit.last_event_time_ms
        )
        draft = drafts.setdefault(
            identity.alert_id,
            AlertDraft(
                identity=identity,
                first_source=EvidenceSource.PATTERN,
                trigger_event_time_ms=hit.last_event_time_ms,
                trigger_sent_at_ms=None,
                severity=hit.severity,
            ),
        )
        draft.raise_to(hit.severity)
        draft.pattern_version = draft.pattern_version or f"{hit.pattern}@{hit.pattern_version}"
        draft.pattern_reasons.setdefault(hit.pattern, self._pattern_reason(hit))
        return [
            AlertEvent(
                alert_id=identity.alert_id,
                actor_id=event.actor_id,
                event_id=event.event_id,
                source=EvidenceSource.PATTERN,
                event_time_ms=event.event_time_ms,
                amount=event.amount,
                money_out=event.money_out,
                score=None,
                detail=hit.pattern,
                fields=fields_of_hit(event, self._pack),
                features=None,
            )
            for event in hit.events
        ]
