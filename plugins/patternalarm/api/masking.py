"""Personal fields, masked for whoever need not see them: pseudonyms to their last characters, direct ones whole."""

from collections.abc import Mapping
from functools import lru_cache
from itertools import zip_longest
from string import Formatter
from typing import Any, Final, TypeVar

from patternalarm.api.models.alerts import Alert, AlertDetail, AlertEvent, AlertReason
from patternalarm.api.models.allow_lists import AllowListEntry
from patternalarm.contracts.domain_pack import DomainPack, FeatureOp, load_pack
from patternalarm.contracts.events import COMMON_FIELDS, PersonalData
from patternalarm.contracts.pack_folder import pack_names
from patternalarm.online_store.profiles import Profile

Masked = TypeVar("Masked", Alert, AlertDetail, AlertEvent, AllowListEntry)

MASK: Final = "•••"

# Enough to tell two rows of one page apart; of a short id it would be most of it.
_LEFT: Final = 4
_SHORTEST_SHOWN: Final = 3 * _LEFT


@lru_cache(maxsize=64)
def pack_of(domain: str) -> DomainPack | None:
    """The shipped pack of a domain; None for any other, of whose own fields nothing is known here."""
    return load_pack(domain) if domain in pack_names() else None


def mask(shown: Masked, pack: DomainPack | None) -> Masked:
    """``shown`` with its personal fields masked, by the classes that ``pack`` gives them.

    Without a pack every field that is not of all events is masked. So is all free text of analysts.
    """
    classes = _classes(pack)
    if isinstance(shown, AllowListEntry):
        return shown.model_copy(
            update={"subject_id": _pseudonym(shown.subject_id), "reason": MASK, "revoked_note": MASK}
        )
    if isinstance(shown, AlertEvent):
        return shown.model_copy(
            update={
                "actor_id": _pseudonym(shown.actor_id),
                "fields": _fields(shown.fields, classes),
                "features": _features(shown.features, pack, classes),
            }
        )
    update: dict[str, Any] = {
        "subject_id": _pseudonym(shown.subject_id),
        "reasons": [_reason(reason, pack, classes) for reason in shown.reasons],
    }
    if isinstance(shown, AlertDetail):
        update["events"] = [mask(event, pack) for event in shown.events]
        update["history"] = [event.model_copy(update={"note": event.note and MASK}) for event in shown.history]
    return shown.model_copy(update=update)


def mask_profile(profile: Profile, pack: DomainPack | None) -> Profile:
    """``profile`` with its personal fields masked."""
    classes = _classes(pack)
    features = profile.features
    if features is not None:
        # Of other features than the pack's nobody knows what they tell.
        told = _telling_nothing(pack, classes) if pack and features.feature_set == pack.feature_set else set()
        names = pack.feature_names if pack else ()
        values = (value if name in told else None for name, value in zip_longest(names, features.values))
        features = features.model_copy(update={"values": tuple(values)[: len(features.values)]})
    events = [
        event.model_copy(update=_fields(event.model_dump(include=set(classes), exclude_none=True), classes))
        for event in profile.events
    ]
    return profile.model_copy(
        update={"actor_id": _pseudonym(profile.actor_id), "features": features, "events": tuple(events)}
    )


def _classes(pack: DomainPack | None) -> Mapping[str, PersonalData]:
    own = {field.name: field.personal for field in pack.fields} if pack else {}
    return {field.name: field.personal for field in COMMON_FIELDS} | own


def _pseudonym(text: str) -> str:
    return f"{MASK}{text[-_LEFT:]}" if len(text) >= _SHORTEST_SHOWN else MASK


def _fields(fields: dict[str, Any] | None, classes: Mapping[str, PersonalData]) -> dict[str, Any] | None:
    def shown(name: str, value: Any) -> Any:
        match classes.get(name, PersonalData.DIRECT):
            case PersonalData.NONE:
                return value
            case PersonalData.PSEUDONYM:
                return _pseudonym(str(value))
            case _:
                return MASK

    return fields and {name: shown(name, value) for name, value in fields.items()}


def _features(
    features: dict[str, float | None] | None, pack: DomainPack | None, classes: Mapping[str, PersonalData]
) -> dict[str, float | None] | None:
    told = _telling_nothing(pack, classes)
    return features and {name: value if name in told else None for name, value in features.items()}


def _telling_nothing(pack: DomainPack | None, classes: Mapping[str, PersonalData]) -> set[str]:
    """Features that are no personal field of the event itself; counts and sums over many tell of nobody."""
    return {
        feature.name
        for feature in (pack.features if pack else ())
        if feature.op not in (FeatureOp.FIELD, FeatureOp.CATEGORY)
        or classes.get(str(feature.field)) is PersonalData.NONE
    }


def _reason(reason: AlertReason, pack: DomainPack | None, classes: Mapping[str, PersonalData]) -> AlertReason:
    """The reason, its sentence replaced by the feature's description where it names or tells a personal field."""
    feature = next((f for f in pack.features if f.name == reason.code), None) if pack else None
    if feature is None:
        # A pattern's sentence names no field; without the pack nobody can say what else this one names.
        return (
            reason if reason.contribution is None else reason.model_copy(update={"text": reason.code.replace("_", " ")})
        )
    sentences = (feature.reason, feature.reason_true, feature.reason_false)
    named = {name for sentence in sentences if sentence for _, name, _, _ in Formatter().parse(sentence) if name}
    named |= {feature.field} if feature.op in (FeatureOp.FIELD, FeatureOp.CATEGORY) and feature.field else set()
    if any(classes.get(name, PersonalData.NONE) is not PersonalData.NONE for name in named):
        return reason.model_copy(update={"text": feature.description.rstrip(".")})
    return reason
