"""A foreign file as events: a Parquet or CSV file whose columns a domain pack maps to event fields (``pack.source``).

Everything is checked before anything is produced. The label column is read for the label channel alone.
"""

import hashlib
import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from patternalarm.contracts.bounds import AMOUNT_PLACES, MAX_AMOUNT
from patternalarm.contracts.codes import country_codes, currency_codes
from patternalarm.contracts.domain_pack import DomainPack, SourceFile
from patternalarm.contracts.events import COMMON_FIELDS, MAX_FUTURE_SECONDS, SCHEMA_VERSION, FieldType
from patternalarm.generator.batch import Array
from patternalarm.generator.foreign.split import ForeignFileError, split_of
from patternalarm.generator.publishing.ground_truth import FRAUD, TruthCampaign, TruthEvent, moved_out
from patternalarm.generator.render import iso_time, join_fields
from patternalarm.settings import get_settings

# What the producer itself says about an event.
_OWN_FIELDS = frozenset({"event_id", "schema_version", "domain"})

# Above these an integer time is no longer of the unit: seconds, milliseconds, microseconds, else nanoseconds.
_EPOCH_UNITS = ((1e11, 1_000.0), (1e14, 1.0), (1e17, 1e-3), (float("inf"), 1e-6))

_A_YEAR_MS = 366 * 86_400_000

_NUMBER = re.compile(r"-?[0-9]{1,32}(\.[0-9]{1,32})?([eE][+-]?[0-9]{1,3})?")

_TRUE, _FALSE = ("true", "1", "t", "yes", "y"), ("false", "0", "f", "no", "n")


def _field_types(pack: DomainPack) -> dict[str, FieldType]:
    return {field.name: field.type for field in COMMON_FIELDS} | {field.name: field.type for field in pack.fields}


def _required_fields(pack: DomainPack) -> list[str]:
    names = [field.name for field in COMMON_FIELDS if field.required] + [f.name for f in pack.fields if f.required]
    return [name for name in names if name not in _OWN_FIELDS]


def source_of(pack: DomainPack) -> SourceFile:
    """The pack's ``source``.

    Raises:
        ForeignFileError: it has none, or leaves out a field that every event needs.
    """
    if pack.source is None:
        raise ForeignFileError(
            f"pack {pack.name} has no source section, so it cannot replay a file: map the file's columns there, as"
            " plugins/patternalarm/domains/sparkov/pack.yaml does"
        )
    unmapped = [name for name in _required_fields(pack) if name not in pack.source.columns]
    if "amount" in pack.source.columns and "currency" not in pack.source.columns:
        unmapped.append("currency (an amount needs one; a constant will do)")
    if unmapped:
        raise ForeignFileError(f"pack {pack.name}: source.columns does not say where to find {', '.join(unmapped)}")
    return pack.source


def _columns_of(path: Path) -> list[str]:
    if not path.is_file():
        raise ForeignFileError(f"there is no file {path}")
    try:
        if path.suffix == ".parquet":
            return list(pq.read_schema(path).names)
        if path.suffix == ".csv":
            with pyarrow.csv.open_csv(path) as reader:
                return list(reader.schema.names)
    except (pa.ArrowInvalid, OSError) as error:
        raise ForeignFileError(f"{path} cannot be read: {error}") from error
    raise ForeignFileError(f"{path}: only .parquet and .csv files can be replayed")


def check_columns(pack: DomainPack, path: Path) -> None:
    """Check that the file has every column that the pack names.

    Raises:
        ForeignFileError: it has not; the message lists what is missing and what is there.
    """
    source = source_of(pack)
    available = _columns_of(path)
    named = {f"source.columns.{field}": column.column for field, column in source.columns.items()}
    named["source.label"] = source.label.column
    missing = [f"{column} ({place})" for place, column in named.items() if column and column not in available]
    if missing:
        raise ForeignFileError(
            f"pack {pack.name} names columns that {path.name} lacks: {', '.join(missing)}."
            f" The file has: {', '.join(available)}. Correct the pack, or give the file that belongs to it"
        )


class ForeignFile:
    """All rows of a file as events, in order of time.

    Raises:
        ForeignFileError: anything that would make events unreadable.
    """

    def __init__(self, pack: DomainPack, path: Path) -> None:
        check_columns(pack, path)
        self._pack = pack
        self._path = path
        self.source = source_of(pack)
        self.split = split_of(self.source)
        wanted = sorted({c.column for c in self.source.columns.values() if c.column} | {self.source.label.column})
        table = self._read(wanted)
        if not table.num_rows:
            raise ForeignFileError(f"{path.name} has no rows")
        time_ms = self._times(table, self.source.columns["event_time"].column)
        order = np.argsort(time_ms, kind="stable")
        self.time_ms: Array = time_ms[order]
        table = table.take(pa.array(order))
        self._event_id = self._event_ids(table, order)
        self._fields = {
            name: (kind, self._values(table, name, kind))
            for name, kind in _field_types(pack).items()
            if name in self.source.columns and name not in (*_OWN_FIELDS, "event_time")
        }
        for name in _required_fields(pack):
            empty = self._fields[name][1].null_count if name in self._fields else 0
            if empty:
                raise ForeignFileError(
                    f"{path.name}: {empty} rows have no {name}, which every event needs: drop them from the file"
                )
        self.fraud: Array = self._frauds(table)
        self._check_codes()
        self._check_clock()
        self._check_split()

    def __len__(self) -> int:
        return len(self.time_ms)

    def _read(self, wanted: list[str]) -> pa.Table:
        try:
            if self._path.suffix == ".parquet":
                return pq.read_table(self._path, columns=wanted)
            return pyarrow.csv.read_csv(self._path, convert_options=pyarrow.csv.ConvertOptions(include_columns=wanted))
        except (pa.ArrowInvalid, OSError) as error:
            raise ForeignFileError(f"{self._path} cannot be read: {error}") from error

    def _column(self, table: pa.Table, name: str) -> pa.Array:
        column = table.column(name).combine_chunks()
        return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column

    def _times(self, table: pa.Table, name: str | None) -> Array:
        if name is None:
            raise ForeignFileError(f"pack {self._pack.name}: event_time needs a column, not a constant")
        column = self._column(table, name)
        self._check_all_have_times(column.null_count, name)
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            numbers = column.to_numpy(zero_copy_only=False).astype(np.float64)
            self._check_all_have_times(int((~np.isfinite(numbers)).sum()), name)
            largest = float(np.abs(numbers).max()) if len(numbers) else 0.0
            to_ms = next(factor for limit, factor in _EPOCH_UNITS if largest < limit)
            return np.asarray(np.round(numbers * to_ms).astype(np.int64))
        try:
            moments = pd.to_datetime(column.to_pandas(), utc=True, format="ISO8601" if _is_text(column) else None)
        except (ValueError, TypeError) as error:
            raise ForeignFileError(
                f"{self._path.name}: column {name} (event_time) is neither a timestamp, an epoch number nor ISO 8601:"
                f" {error}"
            ) from error
        self._check_all_have_times(int(moments.isna().sum()), name)
        return np.asarray(moments.to_numpy(dtype="datetime64[ms]").astype(np.int64))

    def _check_all_have_times(self, missing: int, name: str) -> None:
        if missing:
            raise ForeignFileError(f"{self._path.name}: {missing} rows have no {name} (event_time)")

    def _event_ids(self, table: pa.Table, order: Array) -> pa.Array:
        mapped = self.source.columns.get("event_id")
        if mapped is None or mapped.column is None:
            return pa.array([f"{self._pack.name}-{row}" for row in order.tolist()], pa.string())
        ids = self._column(table, mapped.column).cast(pa.string())
        if ids.null_count or len(ids.unique()) != len(ids):
            raise ForeignFileError(
                f"{self._path.name}: {mapped.column} is not unique, so it cannot be the event_id: leave event_id out of"
                " source.columns and rows are numbered"
            )
        return ids

    def _values(self, table: pa.Table, field: str, kind: FieldType) -> pa.Array:
        mapped = self.source.columns[field]
        if mapped.column is None:
            words: Any = pa.scalar(str(mapped.constant) if kind is FieldType.STRING else mapped.constant)
            column = pa.repeat(words, table.num_rows)
        else:
            column = self._column(table, mapped.column)
        try:
            match kind:
                case FieldType.STRING | FieldType.TIME:
                    text = column.cast(pa.string())
                    # What an empty cell of a CSV file is read as; by the contract it is a missing field.
                    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
                case FieldType.BOOLEAN:
                    return _booleans(column)
                case FieldType.INTEGER:
                    return _without_nan(column).cast(pa.int64())
                case FieldType.NUMBER:
                    number = _without_nan(column.cast(pa.float64()))
                    if pc.any(pc.is_inf(number)).as_py():
                        raise pa.ArrowInvalid("it holds an infinite number")
                    return number
                case FieldType.DECIMAL:
                    return _amounts(column)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise ForeignFileError(
                f"{self._path.name}: column {mapped.column} does not fit event field {field} ({kind}): {error}"
            ) from error

    def _frauds(self, table: pa.Table) -> Array:
        label = self.source.label
        encoded = self._column(table, label.column).dictionary_encode()
        words = encoded.dictionary.to_pylist()
        wanted = str(label.fraud_value).lower()
        hits = np.array([word == label.fraud_value or str(word).lower() == wanted for word in words], dtype=bool)
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        found = np.zeros(len(codes), dtype=bool)
        if len(hits):
            found = np.where(codes >= 0, hits[codes.clip(0)], False)
        if not found.any():
            raise ForeignFileError(
                f"{self._path.name}: no row of {label.column} holds the fraud value {label.fraud_value!r}; found"
                f" {', '.join(map(repr, words[:10]))}"
            )
        return found

    def _check_codes(self) -> None:
        """Check that codes are written as the contract has them: one odd row is a dead letter, but not all of them."""
        rates = self._pack.currency.all_rates if self._pack.currency else {}
        currencies = frozenset(rates) if "amount" in self._fields else currency_codes()
        for name, known, place in (
            ("currency", currencies, f"source.columns.currency, or add it to currency.rates of pack {self._pack.name}"),
            ("country", country_codes(), "source.columns.country"),
        ):
            used = pc.unique(self._fields[name][1].drop_null()).to_pylist() if name in self._fields else []
            if used and not known.intersection(used):
                raise ForeignFileError(
                    f"{self._path.name}: no row has a {name} that its event could be taken with; found"
                    f" {', '.join(map(repr, used[:10]))}: correct {place}"
                )

    def _check_clock(self) -> None:
        oldest, newest = int(self.time_ms[0]), int(self.time_ms[-1])
        earliest, latest = get_settings().event_times_ms
        if oldest < earliest or newest > latest:
            days = [str(np.datetime64(at, "ms").astype("datetime64[D]")) for at in (oldest, newest, earliest, latest)]
            remedy = (
                "are they seconds?"
                if newest < _A_YEAR_MS
                else "correct the column, or set PATTERNALARM_EARLIEST_EVENT_TIME and PATTERNALARM_LATEST_EVENT_TIME"
            )
            raise ForeignFileError(
                f"{self._path.name}: the file's times run from {days[0]} to {days[1]}, but an event's time is from"
                f" {days[2]} to {days[3]}: {remedy}"
            )
        if newest > (time.time() + MAX_FUTURE_SECONDS) * 1000:
            raise ForeignFileError(
                f"{self._path.name}: event times reach {datetime.fromtimestamp(newest / 1000, UTC):%Y-%m-%d}, which is"
                " still to come; such events would be refused"
            )

    def _check_split(self) -> None:
        split = self.source.split
        first, last = (f"{datetime.fromtimestamp(int(self.time_ms[i]) / 1000, UTC):%Y-%m-%d}" for i in (0, -1))
        for use, edge, rows in (
            ("train on", f"up to train_until {split.train_until}", self.time_ms <= self.split.train_until_ms),
            ("grade", f"at or after test_from {split.test_from}", self.time_ms >= self.split.test_from_ms),
        ):
            count, frauds = int(rows.sum()), int(self.fraud[rows].sum())
            if not count:
                raise ForeignFileError(
                    f"{self._path.name}: no row {edge}, so there is nothing to {use}; the file's times run from {first}"
                    f" to {last}: correct the pack's source.split"
                )
            if frauds in (0, count):
                raise ForeignFileError(
                    f"{self._path.name}: {'only' if frauds else 'no'} fraud among the {count} rows {edge}, so there is"
                    f" nothing to {use}: correct the pack's source.split or source.label, or give a file that has both"
                )

    def part(self, name: str) -> tuple[int, int]:
        """First row and end of ``train``, ``test`` (all after training, the gap included) or ``all``."""
        edge = int(np.searchsorted(self.time_ms, self.split.train_until_ms, side="right"))
        return {"train": (0, edge), "test": (edge, len(self)), "all": (0, len(self))}[name]

    def records(self, first: int, end: int) -> tuple[list[bytes], list[bytes]]:
        """Kafka keys (actor ids) and values (JSON objects) of rows ``first`` to ``end``."""
        rows = slice(first, end)
        head: list[pa.Array | bytes] = [
            b'{"event_id":',
            _quoted(self._event_id[rows]),
            f',"schema_version":"{SCHEMA_VERSION}","domain":"{self._pack.name}","event_time":"'.encode(),
            iso_time(self.time_ms[rows]),
            b'"',
        ]
        fields = [(name, _json(kind, values[rows])) for name, (kind, values) in self._fields.items()]
        keys = self._fields["actor_id"][1][rows].cast(pa.binary()).to_pylist()
        return keys, join_fields(head, fields).to_pylist()

    def campaigns(self) -> Iterator[TruthCampaign]:
        """Frauds as campaigns: rows of one actor closer together than the pack's ``campaign_gap``."""
        rows = np.flatnonzero(self.fraud)
        actors = self._fields["actor_id"][1].take(pa.array(rows)).to_pylist()
        ids = self._event_id.take(pa.array(rows)).to_pylist()
        amounts = self._fields["amount"][1].take(pa.array(rows)).to_pylist() if "amount" in self._fields else None
        texts = {
            name: self._fields[name][1].take(pa.array(rows)).cast(pa.string()).to_pylist()
            for name in {*self._pack.money_fields, "currency"} & set(self._fields)
        }
        fraud_type = self.source.label.fraud_type
        delay = self._pack.fraud_types[fraud_type].label_delay
        open_campaigns: dict[str, list[TruthEvent]] = {}
        for position, (row, actor, event_id) in enumerate(zip(rows.tolist(), actors, ids, strict=True)):
            at = int(self.time_ms[row])
            current = open_campaigns.setdefault(actor, [])
            if current and at - current[-1].event_time_ms >= self.source.campaign_gap:
                yield self._campaign(actor, current)
                open_campaigns[actor] = current = []
            amount = float(amounts[position]) if amounts and amounts[position] is not None else None
            moved = moved_out(self._pack, amount, {name: words[position] for name, words in texts.items()})
            current.append(TruthEvent(event_id, actor, at, at + delay, amount, moved))
        for actor, events in open_campaigns.items():
            yield self._campaign(actor, events)

    def _campaign(self, actor: str, events: list[TruthEvent]) -> TruthCampaign:
        fraud_type = self.source.label.fraud_type
        digest = hashlib.sha256(f"{actor}\x1f{events[0].event_time_ms}".encode()).hexdigest()[:12]
        return TruthCampaign(f"{fraud_type}-{digest}", FRAUD, fraud_type, tuple(events))


def _is_text(column: pa.Array) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def _booleans(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type):
        return column
    words = pc.utf8_lower(column.cast(pa.string()))
    known = pc.is_in(words, pa.array([*_TRUE, *_FALSE]))
    strange = words.filter(pc.invert(pc.or_(known, pc.is_null(words))))
    if len(strange):
        raise pa.ArrowInvalid(f"{strange[0].as_py()!r} is neither true nor false")
    return pc.if_else(pc.is_null(words), None, pc.is_in(words, pa.array(_TRUE)))


def _without_nan(column: pa.Array) -> pa.Array:
    """``column`` with null for what a data frame holds in an empty cell."""
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)


def _amounts(column: pa.Array) -> pa.Array:
    """Amounts as JSON numbers, exact to the last place; a float stands for the shortest decimal that gives it.

    Raises:
        pa.ArrowInvalid: one is no number, or none that the contract takes.
    """
    encoded = _without_nan(column).cast(pa.string()).dictionary_encode()
    exact = [_amount(word) if word else None for word in encoded.dictionary.to_pylist()]
    return pa.array(exact, pa.string()).take(encoded.indices)


def _amount(word: str) -> str:
    if not _NUMBER.fullmatch(word):
        raise pa.ArrowInvalid(f"{word!r} is no number")
    amount = Decimal(word)
    if abs(amount) > MAX_AMOUNT:
        raise pa.ArrowInvalid(f"{word} is not from -{MAX_AMOUNT} to {MAX_AMOUNT}")
    if amount != round(amount, AMOUNT_PLACES):
        raise pa.ArrowInvalid(f"{word} has over {AMOUNT_PLACES} decimal places: round the column")
    return f"{amount:f}"


def _quoted(values: pa.Array) -> pa.Array:
    encoded = values.dictionary_encode()
    words = [json.dumps(word, ensure_ascii=False).encode() for word in encoded.dictionary.to_pylist()]
    return pa.array(words, pa.binary()).take(encoded.indices)


def _json(kind: FieldType, values: pa.Array) -> pa.Array:
    match kind:
        case FieldType.STRING | FieldType.TIME:
            return _quoted(values)
        case _:
            return values.cast(pa.string()).cast(pa.binary())
