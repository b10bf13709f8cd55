"""Reason codes: sentences that say, with the numbers of this very event, why an alert was raised."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from patternalarm.alerts.findings import Evidence, PatternHit
from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY, EvidenceSource
from patternalarm.contracts.domain_pack import DomainPack, Feature, FeatureOp
from patternalarm.contracts.sentences import Number, Unknown, Words, tell
from patternalarm.models.forest_scorer import ForestScorer
from patternalarm.models.metadata import ModelMetadata
from patternalarm.patterns import Pattern

MOST_REASONS: Final = 4

# A feature that moved the probability by less than a percentage point explains nothing to a human.
LEAST_CONTRIBUTION: Final = 0.01

_COLUMNS: Final = ("event_type", "actor_id", "counterparty_id", "device_id", "country", "channel", "amount")


@dataclass(frozen=True)
class Reason:
    """One reason of an alert. ``contribution`` is the change of the type's probability, null for a pattern."""

    code: str
    text: str
    contribution: float | None
    source: EvidenceSource


class ScoreReasons:
    """Reasons of scored evidence, from the pack's sentences and the model's forest."""

    def __init__(self, pack: DomainPack, model: ModelMetadata, forest: ForestScorer) -> None:
        """Prepare for evidence of ``model``."""
        self._pack, self._model, self._forest = pack, model, forest
        self._targets = {name: 0 if name == SUSPICIOUS_ACTIVITY else pack.classes.index(name) for name in _types(pack)}

    def of(self, evidence: Sequence[Evidence]) -> list[list[Reason]]:
        """Reasons of each piece of evidence, strongest first, never none."""
        mine = [i for i, one in enumerate(evidence) if self._explains(one)]
        reasons = [[_score_alone(one)] for one in evidence]
        if not mine:
            return reasons
        values = np.array([evidence[i].values for i in mine], dtype=np.float64)
        targets = np.array([self._targets[evidence[i].fraud_type] for i in mine], dtype=np.int64)
        contributions = self._forest.explain(values, targets)
        for i, row, moved in zip(mine, values, contributions, strict=True):
            reasons[i] = self._strongest(evidence[i], row, moved) or reasons[i]
        return reasons

    def _explains(self, evidence: Evidence) -> bool:
        # After a change of model the old one's evidence may still be unread; this forest cannot speak for it.
        return (
            evidence.model_version == self._model.version
            and evidence.feature_set == self._model.feature_set
            and evidence.fraud_type in self._targets
        )

    def _strongest(
        self, evidence: Evidence, values: NDArray[np.float64], contributions: NDArray[np.float64]
    ) -> list[Reason]:
        told = np.where(np.isnan(values), 0.0, contributions)
        order = np.argsort(-told, kind="stable")[:MOST_REASONS]
        fields = fields_of(evidence, values, self._pack)
        return [
            Reason(
                code=self._pack.features[i].name,
                text=sentence_of(self._pack.features[i], float(values[i]), fields),
                contribution=round(float(told[i]), 4),
                source=EvidenceSource.SCORE,
            )
            for i in order
            if told[i] >= LEAST_CONTRIBUTION
        ]


def _types(pack: DomainPack) -> tuple[str, ...]:
    return (*pack.fraud_types, SUSPICIOUS_ACTIVITY)


def sentence_of(feature: Feature, value: float, fields: Mapping[str, object]) -> str:
    """What ``feature`` says of an event when it has ``value``, which is not missing."""
    return tell(feature.sentence(value), {**fields, "value": Number(value)})


def fields_of(evidence: Evidence, values: NDArray[np.float64], pack: DomainPack) -> dict[str, object]:
    """What sentences may name of an event: its columns, and the pack's own fields as features tell them."""
    known = {
        "event_type": Words(evidence.event_type),
        "actor_id": evidence.actor_id,
        "counterparty_id": evidence.counterparty_id,
        "device_id": evidence.device_id,
        "country": evidence.country,
        "channel": None if evidence.channel is None else Words(evidence.channel),
        "amount": None if evidence.amount_base is None else Number(evidence.amount_base),
    }
    return unknown_fields(values, pack) | {name: value for name, value in known.items() if value is not None}


def unknown_fields(values: NDArray[np.float64], pack: DomainPack) -> dict[str, object]:
    """The same of features alone: what they do not tell is unknown."""
    own = {str(f.field): _readable(f, float(values[place])) for place, f in pack.readable_fields.items()}
    return {**own, **{name: Unknown() for name in _COLUMNS}, "currency": pack.base_currency or Unknown()}


def _readable(feature: Feature, value: float) -> object:
    if math.isnan(value):
        return Unknown()
    if feature.op is FeatureOp.FIELD:
        return Number(value)
    code = int(value)
    return Words(feature.categories[code]) if 0 <= code < len(feature.categories) else "something unlisted"


def _score_alone(evidence: Evidence) -> Reason:
    what = "fraud" if evidence.fraud_type == SUSPICIOUS_ACTIVITY else evidence.fraud_type.replace("_", " ")
    return Reason(
        code="score",
        text=f"the model gives {what} a probability of {evidence.type_score:.0%}",
        contribution=round(evidence.type_score, 4),
        source=EvidenceSource.SCORE,
    )


class PatternReasons:
    """Reasons of pattern hits, from the sentences in the patterns' headers."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._sentences: Mapping[str, str] = {pattern.name: pattern.reason for pattern in patterns}

    def of(self, hit: PatternHit) -> Reason:
        """The reason that ``hit`` gives; a pattern whose file is gone is still named."""
        sentence = self._sentences.get(hit.pattern, f"Pattern {hit.pattern} matched.")
        seconds = (hit.last_event_time_ms - hit.first_event_time_ms) / 1000
        count = len(hit.events)
        numbers = f"{count} event{'' if count == 1 else 's'} in {seconds:,.0f} s"
        moved = sum(event.amount for event in hit.events if event.amount is not None and event.money_out)
        if moved:
            numbers += f", {moved:,.2f} {hit.currency or ''}".rstrip() + " moved out"
        return Reason(
            code=hit.pattern,
            text=f"{sentence.rstrip('.')} ({numbers})",
            contribution=None,
            source=EvidenceSource.PATTERN,
        )
