"""What an analyst needs of an alert's event later, when its run's topics are gone: its fields and feature values."""

import math
from decimal import Decimal
from typing import Final

from patternalarm.alerts.findings import Evidence, HitEvent
from patternalarm.contracts.domain_pack import DomainPack, FeatureOp
from patternalarm.contracts.events import FieldType

# An amount is told as text, exact.
Fields = dict[str, str | float | bool]

_COMMON: Final = ("event_type", "counterparty_id", "device_id", "country", "channel", "currency")


def fields_of_evidence(evidence: Evidence, pack: DomainPack) -> Fields:
    """The event's fields by name: the common ones that evidence carries, as sent, and the pack's own that features tell."""
    own = _own_fields(evidence, pack) if evidence.feature_set == pack.feature_set else {}
    return _present(evidence, _COMMON, evidence.amount) | own


def fields_of_hit(event: HitEvent, pack: DomainPack) -> Fields:
    """The fields by name of one event of a pattern hit; a field that is not what the pack says is left out."""
    types = {field.name: field.type for field in pack.fields}
    own = {
        name: typed
        for name, text in (event.own or {}).items()
        if text is not None and (typed := _typed(text, types.get(name))) is not None
    }
    return _present(event, (*_COMMON, "ip"), event.amount_sent) | own


def features_of(evidence: Evidence, pack: DomainPack) -> dict[str, float | None] | None:
    """Feature values by name, None = missing; None as a whole for values of another feature set."""
    if evidence.feature_set != pack.feature_set:
        return None
    return {
        name: None if value is None or math.isnan(value) else value
        for name, value in zip(pack.feature_names, evidence.values, strict=True)
    }


def _present(event: Evidence | HitEvent, names: tuple[str, ...], amount: Decimal | None) -> Fields:
    present = {name: value for name in names if (value := getattr(event, name)) is not None}
    return present if amount is None else present | {"amount": f"{amount:f}"}


def _own_fields(evidence: Evidence, pack: DomainPack) -> Fields:
    own: Fields = {}
    flags = pack.boolean_fields
    declared = {field.name for field in pack.fields}
    for feature, value in zip(pack.features, evidence.values, strict=True):
        name = feature.field
        if name not in declared or value is None or math.isnan(value):
            continue
        if feature.op is FeatureOp.FIELD:
            own[name] = value >= 0.5 if name in flags else value
        elif feature.op is FeatureOp.CATEGORY and 0 <= int(value) < len(feature.categories):
            own[name] = feature.categories[int(value)]
    return own


def _typed(text: str, kind: FieldType | None) -> str | float | bool | None:
    if kind is FieldType.BOOLEAN:
        return text == "true"
    if kind in (FieldType.NUMBER, FieldType.INTEGER):
        try:
            number = float(text)
        except ValueError:
            return None
        return number if math.isfinite(number) else None
    return text if kind is FieldType.STRING else None
