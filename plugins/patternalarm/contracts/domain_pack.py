"""Domain packs: the data that makes the platform know a domain.

A pack is one YAML file: typed event fields, clocks, fraud types, features and, for a foreign file, how its columns
become events. A domain is a pack; no code knows a domain by name.
"""

import hashlib
import json
import re
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from patternalarm.contracts.alerts import LEGITIMATE, SUSPICIOUS_ACTIVITY, Severity
from patternalarm.contracts.events import COMMON_FIELD_NAMES, COMMON_FIELDS, FieldType, PersonalData
from patternalarm.contracts.pack_file import PackFileError, read_model
from patternalarm.did_you_mean import did_you_mean

PACKS_DIR: Final = Path(__file__).resolve().parent.parent / "domains"

_UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_NAME: Final = r"[a-z][a-z0-9_]{0,62}"


class PackError(ValueError):
    """A pack is missing, or says something that cannot be."""


def duration_ms(text: Any) -> int:
    """Milliseconds of ``text``, a whole number with a unit: 500ms, 5s, 10m, 1h, 7d.

    Raises:
        ValueError: anything else.
    """
    match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", str(text).strip())
    if not match:
        raise ValueError(f"{text!r} is no duration: write a whole number and a unit (ms, s, m, h, d), like 5m")
    return int(match[1]) * _UNITS_MS[match[2]]


DurationMs = Annotated[int, BeforeValidator(duration_ms)]
Name = Annotated[str, Field(pattern=f"^{_NAME}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class PackField(_Strict):
    """A typed event field of the pack's own, flat in the event's JSON object."""

    name: Name
    type: Literal[FieldType.STRING, FieldType.NUMBER, FieldType.INTEGER, FieldType.BOOLEAN]
    required: bool = False
    personal: PersonalData = PersonalData.NONE
    description: str


class FeatureOp(StrEnum):
    """What a feature computes. Window aggregates are per ``key``; the event's own time is the clock.

    ``field``, ``hour``, ``weekday``, ``category`` and ``distance_km`` need the event alone. ``count``, ``sum``, ``max``
    and ``distinct`` include the event itself; ``mean``, ``std``, ``ratio`` (value over the mean), ``is_new`` and
    ``seconds_since`` look at earlier events only and are missing (NaN) without any. ``hour`` is the hour of day in UTC
    with its fraction, ``weekday`` 0 for Monday, ``category`` the index in ``categories`` (-1 for another value),
    ``distance_km`` the great circle, ``std`` the population's. ``distinct`` is a lower bound once a
    key holds over 1,024 pairs of value and bucket.
    """

    FIELD = "field"
    HOUR = "hour"
    WEEKDAY = "weekday"
    CATEGORY = "category"
    DISTANCE_KM = "distance_km"
    COUNT = "count"
    SUM = "sum"
    MAX = "max"
    MEAN = "mean"
    STD = "std"
    RATIO = "ratio"
    DISTINCT = "distinct"
    IS_NEW = "is_new"
    SECONDS_SINCE = "seconds_since"


_EVENT_ONLY: Final = {
    FeatureOp.FIELD,
    FeatureOp.HOUR,
    FeatureOp.WEEKDAY,
    FeatureOp.CATEGORY,
    FeatureOp.DISTANCE_KM,
}
_NEEDS_NUMBER: Final = {
    FeatureOp.FIELD,
    FeatureOp.SUM,
    FeatureOp.MAX,
    FeatureOp.MEAN,
    FeatureOp.STD,
    FeatureOp.RATIO,
}
_NEEDS_TEXT: Final = {FeatureOp.CATEGORY, FeatureOp.DISTINCT, FeatureOp.IS_NEW}
_SHARED_KEY_OPS: Final = {FeatureOp.COUNT, FeatureOp.SUM, FeatureOp.DISTINCT}


class Feature(_Strict):
    """One feature: a double per event, in the pack's order.

    ``window`` is split into ``buckets`` equal parts, so its far edge is exact to window / buckets. A key other than
    actor_id sees only whole buckets older than the pack's ``shared_key_delay``. ``where`` counts only events whose
    fields hold one of the listed values. ``reason`` is a sentence for analysts with ``{value}`` in it, and may name
    event fields as ``{event_type}`` and the like.
    """

    name: Name
    op: FeatureOp
    description: str
    unit: str
    reason: str
    key: Literal["actor_id", "device_id", "counterparty_id", "ip"] | None = None
    window: DurationMs | None = None
    buckets: int = Field(default=60, ge=2, le=240)
    field: Name | None = None
    fields: tuple[Name, ...] = ()
    categories: tuple[str, ...] = ()
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def bucket_ms(self) -> int:
        """Length of one bucket in milliseconds."""
        if self.window is None:
            raise ValueError(f"feature {self.name} has no window")
        return max(1, self.window // self.buckets)


class FraudType(_Strict):
    """A kind of fraud: what it is, how bad it is, and how long until its label is known."""

    description: str
    severity: Severity = Severity.MEDIUM
    label_delay: DurationMs


class SourceColumn(_Strict):
    """Where an event field of a foreign file comes from: a column, or a constant."""

    column: str | None = None
    constant: str | float | None = None

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_of_both(self) -> "SourceColumn":
        if (self.column is None) == (self.constant is None):
            raise ValueError("name either a column or a constant")
        return self


class SourceLabel(_Strict):
    """The label column of a foreign file. It goes to the label channel and nowhere else."""

    column: str
    fraud_value: str | int | bool = 1
    fraud_type: str
    """Fraud type of a row whose label column holds ``fraud_value``."""


class SourceSplit(_Strict):
    """Time-blocked split of a foreign file: rows up to ``train_until`` train, rows from ``test_from`` are graded."""

    train_until: str
    test_from: str


class SourceFile(_Strict):
    """How a foreign file's columns become events (``replay_dataset``)."""

    columns: dict[str, SourceColumn]
    label: SourceLabel
    split: SourceSplit
    campaign_gap: DurationMs = 86_400_000
    """Fraud rows of one actor closer together than this are one campaign."""


class Training(_Strict):
    """Size of the forest; the rest of training is the same for every domain."""

    trees: int = Field(default=50, ge=5, le=300)
    depth: int = Field(default=8, ge=2, le=25)


class DomainPack(_Strict):
    """A domain: fields, clocks, fraud types and features. See the module's docstring."""

    name: Name
    version: str
    description: str
    disorder: DurationMs
    """How far behind the newest event of its partition an event may be and still be seen by patterns."""
    lateness: DurationMs
    """An event older than its actor's newest by more than this is late and goes to the dead letters."""
    shared_key_delay: DurationMs
    """Features of keys other than actor_id use only buckets older than this; at least ``disorder``."""
    episode: DurationMs
    """Triggers of one subject and type within one episode are one alert."""
    fields: tuple[PackField, ...] = ()
    fraud_types: dict[str, FraudType]
    features: tuple[Feature, ...]
    training: Training = Training()
    source: SourceFile | None = None

    @model_validator(mode="after")
    def _check(self) -> "DomainPack":
        types: dict[str, FieldType] = {f.name: f.type for f in COMMON_FIELDS}
        for own in self.fields:
            if own.name in types:
                raise ValueError(f"field {own.name} is a field of every event; leave it out of the pack")
            types[own.name] = own.type
        numbers = {n for n, t in types.items() if t in ("number", "integer", "decimal", "boolean")}
        texts = {n for n, t in types.items() if t in ("string", "boolean")}
        if self.shared_key_delay < self.disorder:
            raise ValueError("shared_key_delay must not be shorter than disorder")
        for reserved in {LEGITIMATE, SUSPICIOUS_ACTIVITY} & set(self.fraud_types):
            raise ValueError(f"{reserved} is no fraud type")
        seen: set[str] = set()
        for feature in self.features:
            if feature.name in seen:
                raise ValueError(f"feature {feature.name} is declared twice")
            seen.add(feature.name)
            self._check_feature(feature, numbers, texts)
        if self.source:
            known = COMMON_FIELD_NAMES | {f.name for f in self.fields}
            unknown = sorted(set(self.source.columns) - known)
            if unknown:
                raise ValueError(f"source maps fields that no event has: {', '.join(unknown)}")
            label = self.source.label
            used = [f for f, c in self.source.columns.items() if c.column == label.column]
            if used:
                raise ValueError(f"label column {label.column} is mapped to event field {used[0]}: that leaks")
            if label.fraud_type not in self.fraud_types:
                raise ValueError(f"source.label names the unknown fraud type {label.fraud_type}")
        return self

    @staticmethod
    def _check_feature(feature: Feature, numbers: set[str], texts: set[str]) -> None:
        name, op = feature.name, feature.op
        if op in _EVENT_ONLY:
            if feature.key or feature.window or feature.where:
                raise ValueError(f"feature {name}: {op} looks at one event; it takes no key, window or where")
        elif feature.key is None:
            raise ValueError(f"feature {name}: {op} needs a key")
        elif op is not FeatureOp.SECONDS_SINCE and feature.window is None:
            raise ValueError(f"feature {name}: {op} needs a window")
        if feature.key not in (None, "actor_id") and op not in _SHARED_KEY_OPS:
            raise ValueError(f"feature {name}: a key other than actor_id allows count, sum and distinct only")
        if op in _NEEDS_NUMBER and feature.field not in numbers:
            raise ValueError(f"feature {name}: {op} needs a numeric field, {feature.field!r} is none")
        if op in _NEEDS_TEXT and feature.field not in texts:
            raise ValueError(f"feature {name}: {op} needs a string field, {feature.field!r} is none")
        if op is FeatureOp.CATEGORY and not feature.categories:
            raise ValueError(f"feature {name}: category needs its categories, in order")
        if op is FeatureOp.DISTANCE_KM and (len(feature.fields) != 4 or set(feature.fields) - numbers):
            raise ValueError(f"feature {name}: distance_km needs four numeric fields: lat, long, lat, long")
        unknown = sorted(set(feature.where) - texts)
        if unknown:
            raise ValueError(f"feature {name}: where names no string field: {', '.join(unknown)}")

    @cached_property
    def feature_set(self) -> str:
        """Hash of all that decides the features' values, 16 hex digits; a model refuses another one."""
        parts = [f.model_dump(mode="json", exclude={"description", "unit", "reason"}) for f in self.features]
        basis = {
            "features": parts,
            "fields": [(f.name, f.type) for f in self.fields],
            "lateness": self.lateness,
            "shared_key_delay": self.shared_key_delay,
        }
        return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Feature names in the order of ``values``."""
        return tuple(f.name for f in self.features)

    @property
    def classes(self) -> tuple[str, ...]:
        """Model classes: ``legitimate`` first, then the fraud types in the pack's order."""
        return (LEGITIMATE, *self.fraud_types)

    @property
    def shared_keys(self) -> tuple[str, ...]:
        """Feature keys other than actor_id, in order of first use."""
        return tuple(dict.fromkeys(f.key for f in self.features if f.key and f.key != "actor_id"))


def pack_names() -> tuple[str, ...]:
    """Names of the packs that ship with the platform, sorted."""
    return tuple(sorted(path.stem for path in PACKS_DIR.glob("*.yaml")))


def generated_domains(directory: Path = PACKS_DIR) -> list[str]:
    """Domains whose events the generator makes, sorted: the packs that map no foreign file.

    Looks for the key alone: every task of a DAG pays for what the DAG's file does at import.
    """
    packs = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in directory.glob("*.yaml")}
    return sorted(name for name, lines in packs.items() if not any(line.startswith("source:") for line in lines))


def load_pack(name_or_path: str) -> DomainPack:
    """Load a pack by the name of a shipped one, or by the path of a YAML file.

    Raises:
        PackError: there is none, it is no YAML, it says something that cannot be, or it bears the name of a shipped one;
            the message names the place and the remedy.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = PACKS_DIR / f"{name_or_path}.yaml"
        if not path.is_file():
            raise PackError(did_you_mean("domain pack", name_or_path, [*pack_names(), "the path of a .yaml file"]))
    if not path.is_file():
        raise PackError(f"there is no domain pack {path}: see to its path, or use one of {', '.join(pack_names())}")
    try:
        pack = read_model(path, DomainPack)
    except PackFileError as fault:
        raise PackError(f"domain pack {path.name}: {fault}") from fault
    if pack.name in pack_names() and path.resolve() != PACKS_DIR / f"{pack.name}.yaml":
        raise PackError(
            f"domain pack {path.name}: its name {pack.name} is taken by a pack of the platform, whose patterns and models "
            "would be used for it: give it another name"
        )
    return pack
