"""Events as numeric columns: what population, campaigns and slices pass to each other before anything is rendered."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class ColumnKind(StrEnum):
    """How a column is held and rendered.

    ``id``: uint64, 0 = missing, a prefix and 12 hex digits. ``category``: int16 index of the vocabulary, -1 = missing.
    ``number``: float64, NaN = missing. ``boolean``: int8, -1 = missing. ``ip``: uint32, 0 = missing, dotted quad.
    """

    ID = "id"
    CATEGORY = "category"
    NUMBER = "number"
    BOOLEAN = "boolean"
    IP = "ip"


_DTYPES: dict[ColumnKind, tuple[Any, Any]] = {
    ColumnKind.ID: (np.uint64, 0),
    ColumnKind.CATEGORY: (np.int16, -1),
    ColumnKind.NUMBER: (np.float64, np.nan),
    ColumnKind.BOOLEAN: (np.int8, -1),
    ColumnKind.IP: (np.uint32, 0),
}


@dataclass(frozen=True)
class Column:
    """One event field as the generator holds it.

    ``prefix`` belongs to ids, ``vocabulary`` to categories, ``decimals`` to numbers.
    """

    name: str
    kind: ColumnKind
    prefix: str = ""
    vocabulary: tuple[str, ...] = ()
    decimals: int = 2

    @property
    def dtype(self) -> Any:
        """numpy type of the column."""
        return _DTYPES[self.kind][0]

    @property
    def missing(self) -> Any:
        """Value that stands for a missing field."""
        return _DTYPES[self.kind][1]

    def encode(self, value: Any) -> Any:
        """``value`` as held in the column: words become indexes of the vocabulary, the rest stays.

        Raises:
            ValueError: a word that is not in the vocabulary.
        """
        if isinstance(value, str):
            if value not in self.vocabulary:
                raise ValueError(f"{value!r} is not in the vocabulary of {self.name}")
            return self.vocabulary.index(value)
        return value

    def word(self, code: int) -> str | None:
        """The text behind ``code`` of a category or boolean, None for a missing one."""
        words = ("false", "true") if self.kind is ColumnKind.BOOLEAN else self.vocabulary
        return None if code == self.missing else words[code]


def identifier(name: str, prefix: str) -> Column:
    """A pseudonymous id."""
    return Column(name, ColumnKind.ID, prefix=prefix)


def category(name: str, *vocabulary: str) -> Column:
    """A word out of a closed vocabulary."""
    return Column(name, ColumnKind.CATEGORY, vocabulary=vocabulary)


def number(name: str, decimals: int = 2) -> Column:
    """A number rounded to ``decimals`` places."""
    return Column(name, ColumnKind.NUMBER, decimals=decimals)


def boolean(name: str) -> Column:
    """True, false or missing."""
    return Column(name, ColumnKind.BOOLEAN)


COUNTRIES = ("DE", "FR", "GB", "US", "ES", "IT", "NL", "PL", "SE", "AT", "RO", "BR", "NG", "VN", "IN", "TR")

EVENT_ID = identifier("event_id", "")
ACTOR_ID = identifier("actor_id", "a")


@dataclass
class EventBatch:
    """Events in columns, one array per field, plus what never leaves the generator.

    ``time_ms`` is the event time, epoch milliseconds UTC; ``actor`` the actor's id. ``row`` is the index of the session
    or campaign that the event belongs to; it is never rendered.
    """

    time_ms: Array
    actor: Array
    row: Array
    values: dict[str, Array]

    def __len__(self) -> int:
        return len(self.time_ms)

    def take(self, index: Array) -> "EventBatch":
        """The events at ``index`` (positions or a mask)."""
        return EventBatch(
            self.time_ms[index], self.actor[index], self.row[index], {k: v[index] for k, v in self.values.items()}
        )


def concatenate(batches: Sequence[EventBatch]) -> EventBatch:
    """All events of ``batches``, which have the same columns, one after the other."""
    names = batches[0].values
    return EventBatch(
        np.concatenate([b.time_ms for b in batches]),
        np.concatenate([b.actor for b in batches]),
        np.concatenate([b.row for b in batches]),
        {name: np.concatenate([b.values[name] for b in batches]) for name in names},
    )


def mint(rng: np.random.Generator, *shape: int) -> Array:
    """New ids, uniform over 48 bits and never 0, so that no id tells when or for whom it was made."""
    return rng.integers(1, 2**48, size=shape, dtype=np.uint64)
