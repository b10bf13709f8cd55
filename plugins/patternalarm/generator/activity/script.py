"""Scripts: many sessions or campaigns of one kind, written once and played by all their actors at the same time."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from patternalarm.generator.activity.cast import Cast
from patternalarm.generator.activity.population import Actors
from patternalarm.generator.batch import Array, Column, ColumnKind, EventBatch


class Script:
    """Sequences of events of ``len(actors)`` sessions, step by step; every step adds at most one event to each.

    Time is kept in seconds from the start of each session, in ``clock``. ``cast`` has the other actors of a campaign.
    """

    def __init__(self, rng: np.random.Generator, columns: Sequence[Column], actors: Actors, cast: Cast) -> None:
        self.rng = rng
        self.cast = cast
        self.actors = actors
        self.size = len(actors)
        self.clock = np.zeros(self.size)
        self._columns = {column.name: column for column in columns}
        self._steps: list[tuple[Array, Array, Array, dict[str, Any]]] = []

    def chance(self, probability: float | Array) -> Array:
        """True with ``probability``, drawn for each session."""
        return np.asarray(self.rng.random(self.size) < probability)

    def count(self, low: int, high: int) -> Array:
        """A whole number from ``low`` to ``high``, both included, drawn for each session."""
        return self.rng.integers(low, high + 1, self.size)

    def uniform(self, low: float | Array, high: float | Array) -> Array:
        """A number between ``low`` and ``high``, drawn for each session."""
        return self.rng.uniform(low, high, self.size)

    def lognormal(self, median: float | Array, sigma: float | Array) -> Array:
        """A log-normal number around ``median``, drawn for each session."""
        return np.asarray(median * np.exp(self.rng.normal(0.0, 1.0, self.size) * sigma))

    def pick(self, column: str, words: Sequence[str], weights: Sequence[float] | None = None) -> Array:
        """A word of ``column`` out of ``words``, drawn for each session, as an index of the vocabulary."""
        codes = np.array([self._columns[column].encode(word) for word in words], dtype=np.int16)
        p = None if weights is None else np.asarray(weights) / np.sum(weights)
        return np.asarray(codes[self.rng.choice(len(codes), self.size, p=p)])

    def word(self, column: str, when: Array, then: str, otherwise: str) -> Array:
        """``then`` where ``when`` holds, ``otherwise`` elsewhere, as indexes of ``column``'s vocabulary."""
        spec = self._columns[column]
        return np.where(when, spec.encode(then), spec.encode(otherwise)).astype(np.int16)

    def event(
        self,
        event_type: str,
        gap: float = 4.0,
        when: Array | None = None,
        actors: Actors | None = None,
        **values: Any,
    ) -> None:
        """Add one event to every session where ``when`` holds, a random time of mean ``gap`` seconds after the last.

        ``values`` are words, scalars or arrays with one value per session; what is left out is missing, except device,
        address, country and age of the account, which are the actor's own.
        """
        index = np.arange(self.size) if when is None else np.flatnonzero(when)
        if not len(index):
            return
        who = actors or self.actors
        self.clock[index] += self.rng.gamma(3.0, gap / 3.0, len(index))
        own = {"device_id": who.device, "ip": who.ip, "country": who.country, "account_age_days": who.age_days}
        filled: dict[str, Any] = {**{k: v for k, v in own.items() if k in self._columns}, **values}
        filled["event_type"] = event_type
        step: dict[str, Any] = {}
        for name, value in filled.items():
            encoded = self._columns[name].encode(value)
            step[name] = encoded[index] if isinstance(encoded, np.ndarray) and encoded.ndim else encoded
        self._steps.append((index, self.clock[index].copy(), who.id[index], step))

    def play(self) -> EventBatch:
        """All events, session by session in order of time; ``row`` numbers the sessions.

        ``time_ms`` is the offset from the session's start.
        """
        sizes = [len(step[0]) for step in self._steps]
        total = sum(sizes)
        row = np.concatenate([step[0] for step in self._steps]) if total else np.zeros(0, dtype=np.int64)
        offset = np.concatenate([step[1] for step in self._steps]) if total else np.zeros(0)
        actor = np.concatenate([step[2] for step in self._steps]) if total else np.zeros(0, dtype=np.uint64)
        values: dict[str, Array] = {}
        bounds = np.concatenate(([0], np.cumsum(sizes))).astype(int)
        for name, column in self._columns.items():
            array = np.full(total, column.missing, dtype=column.dtype)
            for position, step in enumerate(self._steps):
                if name in step[3]:
                    array[bounds[position] : bounds[position + 1]] = step[3][name]
            if column.kind is ColumnKind.NUMBER:
                np.round(array, column.decimals, out=array)
            values[name] = array
        order = np.lexsort((offset, row))
        return EventBatch(np.round(offset * 1000).astype(np.int64), actor, row, values).take(order)
