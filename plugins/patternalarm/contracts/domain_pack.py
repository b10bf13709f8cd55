"""Domain packs: the data that makes the platform know a domain.

A pack's ``pack.yaml`` declares typed event fields, clocks, fraud types, features and, for a foreign file, how its columns
become events. A domain is a pack; no code knows a domain by name.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from patternalarm.contracts.alerts import ALL_TYPES, LEGITIMATE, SUSPICIOUS_ACTIVITY, Severity
from patternalarm.contracts.bounds import MAX_FUTURE_SECONDS
from patternalarm.contracts.codes import currency_codes
from patternalarm.contracts.events import COMMON_FIELD_NAMES, COMMON_FIELDS, FieldType, PersonalData
from patternalarm.contracts.pack_file import PackFileError, read_model
from patternalarm.contracts.pack_folder import PACK_FILE, PACKS_DIR, PackError, find_pack, pack_names
from patternalarm.contracts.sentences import COMMON_NUMBERS, COMMON_TEXTS, SentenceError, check_sentence
from patternalarm.did_you_mean import did_you_mean, nearest

_UNITS_MS: Final = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_NAME: Final = r"[a-z][a-z0-9_]{0,62}"


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
    fields hold one of the listed values.

    ``reason`` is a sentence for analysts with ``{value}`` in it (``contracts.sentences``). A flag, that is ``is_new`` or
    the ``field`` of a boolean, has two instead, ``reason_true`` and ``reason_false``. Sentences may name event fields as
    ``{event_type}`` and the like, and the pack's own fields that a ``field`` or ``category`` feature reads.
    """

    name: Name
    op: FeatureOp
    description: str
    unit: str
    reason: str | None = None
    reason_true: str | None = None
    reason_false: str | None = None
    key: Literal["actor_id", "device_id", "counterparty_id", "ip"] | None = None
    window: DurationMs | None = None
    buckets: int = Field(default=60, ge=2, le=240)
    field: Name | None = None
    fields: tuple[Name, ...] = ()
    categories: tuple[str, ...] = ()
    where: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    def sentence(self, value: float) -> str:
        """The sentence that tells ``value``."""
        return str(self.reason or (self.reason_true if value >= 0.5 else self.reason_false))

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


# Conditions on an event's text fields, all of which hold: a field has one of the listed values.
Conditions = Annotated[dict[Name, Annotated[tuple[str, ...], Field(min_length=1)]], Field(min_length=1)]


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


def _decimal_text(value: Any) -> Decimal:
    """The decimal in ``value``, a text: a number of YAML would have been a float before anybody saw it.

    Raises:
        ValueError: it is no text, no positive decimal, or has over 9 digits before or 12 after the point.
    """
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,12})?", value) or not Decimal(value):
        raise ValueError(f'{value!r} is no rate: write a positive decimal in quotes, like "0.86"')
    return Decimal(value)


class Currency(_Strict):
    """The currency that a pack counts in, and what others are worth in it.

    Features, money at risk and reasons are in ``base``. Rates are rounded reference rates of one day, not market data: an
    operator replaces them as often as the business asks for, and a change applies from the job's next start.
    """

    base: str
    as_of: date
    """Day of the rates."""
    source: str
    """Where the rates are from."""
    rates: dict[str, Annotated[Decimal, BeforeValidator(_decimal_text)]] = {}
    """Units of ``base`` for one unit of each other currency."""

    @model_validator(mode="after")
    def _check(self) -> "Currency":
        for code in (self.base, *self.rates):
            if code not in currency_codes():
                near = nearest(code, currency_codes())
                remedy = f"did you mean {near}?" if near else "write three capital letters, like EUR"
                raise ValueError(f"currency {code!r} is no ISO 4217 code: {remedy}")
        if self.base in self.rates:
            raise ValueError(f"currency.rates has a rate for {self.base}, which is the base: leave it out")
        return self

    @property
    def all_rates(self) -> dict[str, Decimal]:
        """``rates``, and 1 for ``base``."""
        return {self.base: Decimal(1), **self.rates}


class Training(_Strict):
    """Size of the forest; the rest of training is the same for every domain."""

    trees: int = Field(default=50, ge=5, le=300)
    depth: int = Field(default=8, ge=2, le=25)


def _all_known(place: str, what: str, names: Iterable[str], known: Collection[str]) -> None:
    """Check names that one place of a pack takes from another.

    Raises:
        ValueError: one of ``names`` is not ``known``; it says which was probably meant.
    """
    for name in names:
        if name not in known:
            raise ValueError(f"{place}: {did_you_mean(what, name, sorted(known))}")


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
    currency: Currency | None = None
    """Needed by a pack whose features or source use an amount; without it an event with an amount is refused."""
    fraud_types: dict[str, FraudType]
    money_out: tuple[Conditions, ...] = ()
    """Which events moved their amount out, thus put it at risk: those that meet any entry.

    An event of a negative amount, a refund, moves none, and takes nothing off what others moved.
    """
    money_tried: tuple[Conditions, ...] = ()
    """Which events tried to and were refused; an event that also meets ``money_out`` did move it."""
    much_money: Annotated[Decimal, Field(gt=0)] | None = None
    """Money at risk, in the base currency, from which on an alert is one step more severe."""
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
        if self.lateness < MAX_FUTURE_SECONDS * 1000:
            raise ValueError(
                f"lateness must be {MAX_FUTURE_SECONDS}s or more: an event may be that far ahead, and must not make its"
                " actor's honest events late"
            )
        uses_amount = any("amount" in (feature.field, *feature.fields) for feature in self.features)
        if (uses_amount or (self.source and "amount" in self.source.columns)) and self.currency is None:
            raise ValueError("the pack uses amounts, so it needs a currency block: base, as_of, source and rates")
        for reserved in {LEGITIMATE, SUSPICIOUS_ACTIVITY, ALL_TYPES} & set(self.fraud_types):
            raise ValueError(f"{reserved} is no fraud type")
        seen: set[str] = set()
        for feature in self.features:
            if feature.name in seen:
                raise ValueError(f"feature {feature.name} is declared twice")
            seen.add(feature.name)
            self._check_feature(feature, numbers, texts)
        self._check_sentences()
        for conditions in (*self.money_out, *self.money_tried):
            _all_known("money", "string field", conditions, texts)
        if self.source:
            known = COMMON_FIELD_NAMES | {f.name for f in self.fields}
            _all_known("source.columns", "event field", self.source.columns, known)
            label = self.source.label
            used = [f for f, c in self.source.columns.items() if c.column == label.column]
            if used:
                raise ValueError(f"label column {label.column} is mapped to event field {used[0]}: that leaks")
            _all_known("source.label", "fraud type", [label.fraud_type], self.fraud_types)
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
        for needs, what, known in ((_NEEDS_NUMBER, "numeric field", numbers), (_NEEDS_TEXT, "string field", texts)):
            if op in needs:
                if feature.field is None:
                    raise ValueError(f"feature {name}: {op} needs a {what}")
                _all_known(f"feature {name}", what, [feature.field], known)
        if op is FeatureOp.CATEGORY and not feature.categories:
            raise ValueError(f"feature {name}: category needs its categories, in order")
        if op is FeatureOp.DISTANCE_KM and len(feature.fields) != 4:
            raise ValueError(f"feature {name}: distance_km needs four numeric fields: lat, long, lat, long")
        _all_known(f"feature {name}", "numeric field", feature.fields, numbers)
        _all_known(f"feature {name}, where", "string field", feature.where, texts)

    def _check_sentences(self) -> None:
        own = self.readable_fields.values()
        numbers = COMMON_NUMBERS | {str(f.field) for f in own if f.op is FeatureOp.FIELD}
        texts = COMMON_TEXTS | {str(f.field) for f in own if f.op is FeatureOp.CATEGORY}
        for feature in self.features:
            is_flag = feature.op is FeatureOp.IS_NEW or (
                feature.op is FeatureOp.FIELD and feature.field in self.boolean_fields
            )
            told = {"reason_true": feature.reason_true, "reason_false": feature.reason_false}
            wanted, unwanted = (told, {"reason": feature.reason}) if is_flag else ({"reason": feature.reason}, told)
            if not all(wanted.values()) or any(unwanted.values()):
                what = "a yes or no" if is_flag else "a number"
                raise ValueError(f"feature {feature.name} tells {what}: it takes {' and '.join(wanted)}")
            for name, sentence in wanted.items():
                try:
                    check_sentence(str(sentence), numbers if is_flag else numbers | {"value"}, texts)
                except SentenceError as error:
                    raise ValueError(f"feature {feature.name}, {name}: {error}") from error

    @property
    def boolean_fields(self) -> frozenset[str]:
        """Names of the pack's own boolean fields."""
        return frozenset(f.name for f in self.fields if f.type is FieldType.BOOLEAN)

    @cached_property
    def readable_fields(self) -> dict[int, Feature]:
        """Features whose value tells a number or word of the event itself that evidence has no column for, by place."""
        told_otherwise = COMMON_NUMBERS | COMMON_TEXTS | self.boolean_fields
        return {
            place: feature
            for place, feature in enumerate(self.features)
            if feature.op in (FeatureOp.FIELD, FeatureOp.CATEGORY) and feature.field not in told_otherwise
        }

    @cached_property
    def feature_set(self) -> str:
        """Hash of all that decides the features' values, 16 hex digits; a model refuses another one.

        A field counts only when a feature reads it, the base currency only with an amount; its rates follow the market.
        """
        told = {"description", "unit", "reason", "reason_true", "reason_false"}
        parts = [f.model_dump(mode="json", exclude=told) for f in self.features]
        types: dict[str, FieldType] = {f.name: f.type for f in COMMON_FIELDS}
        types |= {f.name: f.type for f in self.fields}
        read = {name for f in self.features for name in (f.key, f.field, *f.fields, *f.where) if name}
        basis = {
            "features": parts,
            "fields": {name: types[name] for name in sorted(read)},
            "lateness": self.lateness,
            "shared_key_delay": self.shared_key_delay,
            "currency": self.base_currency if any(types[name] is FieldType.DECIMAL for name in read) else None,
        }
        return hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def base_currency(self) -> str | None:
        """Currency of amounts in features, pattern hits and money at risk; None for a pack that counts in none."""
        return self.currency.base if self.currency else None

    def moves_money_out(self, amount: float | None, texts: Mapping[str, str | None]) -> bool | None:
        """``money_out`` of ``FEATURES_COLUMNS`` for an event; ``texts`` are its text and boolean fields by name.

        The engine has the same rule in SQL (``flink_jobs.pipeline``), which a test holds this to.
        """

        def meets(rules: Iterable[Mapping[str, Collection[str]]]) -> bool:
            return any(all(texts.get(name) in values for name, values in rule.items()) for rule in rules)

        if amount is not None and amount < 0:
            return None
        return True if meets(self.money_out) else False if meets(self.money_tried) else None

    @property
    def money_fields(self) -> tuple[str, ...]:
        """Fields that the rules of money read, in order of first use."""
        return tuple(dict.fromkeys(name for rule in (*self.money_out, *self.money_tried) for name in rule))

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


def load_pack(name_or_path: str | Path) -> DomainPack:
    """The pack of a shipped name, or of a folder (``pack_folder.find_pack``).

    Raises:
        PackError: there is none, its file is no YAML, or says something that cannot be; the message names the place and
            the remedy.
    """
    folder = find_pack(name_or_path)
    try:
        return read_model(folder / PACK_FILE, DomainPack)
    except PackFileError as fault:
        raise PackError(f"domain pack {folder.name}/{PACK_FILE}: {fault}") from fault


def chosen_pack(name_or_path: str) -> DomainPack:
    """The pack that somebody chose for a run, which makes a domain of its own of it.

    Raises:
        PackError: see ``load_pack``; or it bears the name of a shipped pack without being it.
    """
    pack = load_pack(name_or_path)
    folder = find_pack(name_or_path)
    if pack.name in pack_names() and folder != PACKS_DIR / pack.name:
        raise PackError(
            f"domain pack {folder.name}/{PACK_FILE}: its name {pack.name} is taken by a pack of the platform, whose models "
            "would be used for it: give it another name"
        )
    return pack
