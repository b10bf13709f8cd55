"""A cohort: the population of one (seed, shard), its earlier activity, and the slices in which it is watched."""

import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from patternalarm.contracts.topics import DAY_MS
from patternalarm.generator.activity.domain_model import DomainModel
from patternalarm.generator.activity.slice import SLICE_SECONDS, Slice, make_slice, quiet_slice

HISTORY_EVENTS = 8.0
SHALLOW_HISTORY_EVENTS = 2.0

# At this rate a full history would take longer to publish than the test itself.
_SHALLOW_FROM_EVENTS_PER_MINUTE = 500_000

_HISTORY_DAYS = 9
_HISTORY_SLICES = 3
_EVENTS_PER_SESSION = 2.0

_POPULATION, _HISTORY, _MEASURED, _IDS = range(4)


def history_depth(events_per_minute: float) -> float:
    """Earlier events per actor at a rate of the whole run."""
    return SHALLOW_HISTORY_EVENTS if events_per_minute >= _SHALLOW_FROM_EVENTS_PER_MINUTE else HISTORY_EVENTS


def hour_of(time_ms: int) -> float:
    """Hour of the day (UTC) of epoch milliseconds, with fractions."""
    at = datetime.fromtimestamp(time_ms / 1000, UTC)
    return at.hour + at.minute / 60


class Cohort:
    """Actors of ``domain``, who live by ``model``, drawn from (seed, shard); same arguments, same actors and habits."""

    def __init__(self, domain: str, model: type[DomainModel], seed: int, shard: int, actors: int) -> None:
        self._domain, self._seed, self._shard = domain, seed, shard
        self.model = model(self._stream(_POPULATION), actors)

    def _stream(self, *purpose: int) -> np.random.Generator:
        key = [self._seed, self._shard, zlib.crc32(self._domain.encode()), *purpose]
        return np.random.default_rng(np.random.SeedSequence(key))

    def history(self, start_ms: int, depth: float) -> Iterator[Slice]:
        """About ``depth`` events per actor on days before ``start_ms``, oldest first, without campaigns."""
        rng = self._stream(_HISTORY)
        # The same days for every shard of a seed, so that shards that publish side by side stay close in event time.
        days_rng = np.random.default_rng(np.random.SeedSequence([self._seed, _HISTORY]))
        per_slice = max(1.0, depth / _EVENTS_PER_SESSION / _HISTORY_SLICES)
        slices = min(_HISTORY_SLICES, max(1, round(depth / _EVENTS_PER_SESSION)))
        days = np.sort(days_rng.choice(np.arange(1, _HISTORY_DAYS + 1), slices, replace=False))[::-1]
        for index, day in enumerate(days):
            ids = self._stream(_IDS, _HISTORY, index, start_ms)
            begin = start_ms - int(day) * DAY_MS
            yield quiet_slice(self.model, rng, ids, begin, SLICE_SECONDS, per_slice, float(day))

    def measured(self, start_ms: int, seconds: float, events: int) -> Iterator[Slice]:
        """``events`` events evenly over ``seconds`` from ``start_ms``, in slices of about two minutes, in order."""
        parts = max(1, round(seconds / SLICE_SECONDS))
        edges = np.round(np.linspace(0, events, parts + 1)).astype(int)
        length = seconds / parts
        for index in range(parts):
            begin = start_ms + round(index * length * 1000)
            yield make_slice(
                self.model,
                self._stream(_MEASURED, index),
                self._stream(_IDS, _MEASURED, index, start_ms),
                begin,
                length,
                int(edges[index + 1] - edges[index]),
                hour_of(begin),
            )
