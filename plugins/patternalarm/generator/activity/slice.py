"""One slice of activity: a few minutes of a shard's actors, as events in the order they are sent, plus ground truth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from patternalarm.contracts.runs import CAMPAIGNS_PER_EVENT
from patternalarm.generator.activity.cast import Cast
from patternalarm.generator.activity.domain_model import DomainModel, Scenario
from patternalarm.generator.activity.population import Actors
from patternalarm.generator.activity.script import Script
from patternalarm.generator.batch import Array, EventBatch, concatenate, mint

SLICE_SECONDS = 120.0
LOOKALIKES_PER_EVENT = 0.0052
SHORTEST_CAMPAIGN_S = 15.0
LONGEST_CAMPAIGN_S = 80.0

# Of a slice that is shorter than its campaigns would like to be, they may use this much.
_USABLE = 0.85

# Two in a hundred events are sent a little late; none by as much as half a pack's disorder.
_STRAGGLERS = 0.02
_STRAGGLER_MEAN_MS = 40.0
_STRAGGLER_MAX_MS = 200.0


@dataclass
class Campaigns:
    """Campaigns of a slice in columns; ``scenario`` is the index into the model's scenarios."""

    id: Array
    scenario: Array

    def __len__(self) -> int:
        return len(self.id)


@dataclass
class Slice:
    """Events in the order they are sent. ``events.row`` is the campaign's index, -1 for ordinary activity.

    ``send_ms`` is when each is sent, ``event_ids`` two uint64 per event.
    """

    events: EventBatch
    event_ids: Array
    send_ms: Array
    campaigns: Campaigns
    scenarios: tuple[Scenario, ...]

    def __len__(self) -> int:
        return len(self.events)


def in_order_of_sending(pieces: Sequence[Slice]) -> tuple[EventBatch, Array, Array]:
    """Events, event ids and send times of several slices of one domain, merged; campaigns are left behind."""
    send = np.concatenate([piece.send_ms for piece in pieces])
    order = np.argsort(send, kind="stable")
    ids = np.concatenate([piece.event_ids for piece in pieces])
    return concatenate([piece.events for piece in pieces]).take(order), ids[order], send[order]


def quiet_slice(
    model: DomainModel,
    rng: np.random.Generator,
    id_rng: np.random.Generator,
    start_ms: int,
    duration_s: float,
    sessions_per_actor: float,
    days_earlier: float,
) -> Slice:
    """Earlier activity of the model's actors, at least one session of each who was there, without any campaign."""
    actors = model.population.aged(days_earlier)
    there = np.flatnonzero(actors.age_days > 0)
    extra = rng.choice(there, int(len(there) * max(0.0, sessions_per_actor - 1)))
    who = rng.permutation(np.concatenate((there, extra)))
    batch = _ordinary(model, rng, actors, who, start_ms, duration_s)
    batch.row[:] = -1
    none = Campaigns(np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.int64))
    return _in_sending_order(rng, id_rng, batch, none, model.scenarios())


def make_slice(
    model: DomainModel,
    rng: np.random.Generator,
    id_rng: np.random.Generator,
    start_ms: int,
    duration_s: float,
    events: int,
    hour: float,
) -> Slice:
    """``events`` events within ``duration_s`` seconds of ``start_ms``: campaigns, look-alikes and ordinary activity.

    ``rng`` decides what happens, ``id_rng`` only the event ids. ``hour`` (UTC) says who is up.
    """
    cast = model.cast(rng)
    scenarios = model.scenarios()
    staged, campaigns = _campaigns(model, rng, cast, scenarios, start_ms, duration_s, events)
    absences = _Absences.of(staged, campaigns, scenarios)

    ordinary: list[EventBatch] = []
    wanted = events - len(staged)
    weight = model.population.weight_at(hour)
    while wanted > 0:
        who = rng.choice(len(weight), max(16, int(wanted * 0.55)), p=weight / weight.sum())
        batch = _ordinary(model, rng, model.population, who, start_ms, duration_s)
        batch = _cut(absences.without(batch), wanted)
        batch.row[:] = -1
        ordinary.append(batch)
        wanted -= len(batch)
    everything = concatenate([staged, *ordinary]).take(np.arange(events))
    return _in_sending_order(rng, id_rng, everything, campaigns, scenarios)


def _campaigns(
    model: DomainModel,
    rng: np.random.Generator,
    cast: Cast,
    scenarios: tuple[Scenario, ...],
    start_ms: int,
    duration_s: float,
    events: int,
) -> tuple[EventBatch, Campaigns]:
    numbers = np.zeros(len(scenarios), dtype=int)
    for fraud, per_event in ((True, CAMPAIGNS_PER_EVENT), (False, LOOKALIKES_PER_EVENT)):
        mine = [i for i, s in enumerate(scenarios) if s.fraud is fraud]
        expected = events * per_event
        total = int(expected) + int(rng.random() < expected % 1)
        numbers[mine] = _shares(rng, np.array([scenarios[i].weight for i in mine]), total)
    batches: list[EventBatch] = []
    kinds: list[Array] = []
    first = 0
    for position in rng.permutation(len(scenarios)):
        scenario, number = scenarios[position], int(numbers[position])
        leads = cast.mixed(number, scenario.fresh, scenario.segments)
        script = Script(rng, model.columns, leads, cast)
        scenario.play(script)
        batch = script.play()
        _stretch(rng, batch, number, duration_s)
        batch.time_ms += start_ms
        batch.row += first
        first += number
        batches.append(batch)
        kinds.append(np.full(number, position))
    return concatenate(batches), Campaigns(mint(rng, first), np.concatenate(kinds))


def _shares(rng: np.random.Generator, weights: Array, total: int) -> Array:
    """Split ``total`` by ``weights`` as evenly as whole numbers allow, the rest drawn."""
    exact = weights / weights.sum() * total
    numbers = np.floor(exact).astype(int)
    rest = total - int(numbers.sum())
    if rest:
        p = exact - numbers
        numbers[rng.choice(len(weights), rest, replace=False, p=p / p.sum())] += 1
    return np.asarray(numbers)


def _stretch(rng: np.random.Generator, batch: EventBatch, number: int, duration_s: float) -> None:
    """Give every campaign its own length and a start within the slice; times become offsets from the slice's start."""
    longest = min(LONGEST_CAMPAIGN_S, duration_s * _USABLE)
    span = rng.uniform(min(SHORTEST_CAMPAIGN_S, longest * 0.5), longest, number)
    start = rng.uniform(0, duration_s - span)
    first = np.full(number, np.inf)
    last = np.zeros(number)
    np.minimum.at(first, batch.row, batch.time_ms)
    np.maximum.at(last, batch.row, batch.time_ms)
    length = np.maximum(last - first, 1.0)
    offset = (batch.time_ms - first[batch.row]) / length[batch.row] * span[batch.row] + start[batch.row]
    batch.time_ms[:] = np.round(offset * 1000)


def _ordinary(
    model: DomainModel, rng: np.random.Generator, actors: Actors, who: Array, start_ms: int, duration_s: float
) -> EventBatch:
    """One ordinary session for each of ``who``, spread over the slice; ``row`` numbers the sessions in drawn order."""
    cast, sessions = model.cast(rng), model.sessions()
    weights = np.array([[s.weights.get(segment.name, 0.0) for s in sessions] for segment in model.segments])
    odds = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    kind = (rng.random(len(who))[:, None] > odds[actors.segment[who]]).sum(axis=1)
    batches: list[EventBatch] = []
    for position, session in enumerate(sessions):
        rows = np.flatnonzero(kind == position)
        if not len(rows):
            continue
        script = Script(rng, model.columns, actors.take(who[rows]), cast)
        session.play(script)
        batch = script.play()
        # What would reach past the end comes at the begin, as the rest of an earlier session: the rate stays level.
        begin = rng.uniform(0, duration_s * 1000, len(rows))
        batch.time_ms[:] = start_ms + ((begin[batch.row] + batch.time_ms) % (duration_s * 1000)).astype(np.int64)
        batch.row[:] = rows[batch.row]
        batches.append(batch)
    return concatenate(batches)


@dataclass(frozen=True)
class _Absences:
    """When actors of campaigns have no ordinary activity: ``actor`` sorted, ``begin`` and ``end`` inclusive, in ms.

    A defrauded account is blocked after the fraud; in an exclusive campaign its actors do nothing else.
    """

    actor: Array
    begin: Array
    end: Array

    @classmethod
    def of(cls, staged: EventBatch, campaigns: Campaigns, scenarios: Sequence[Scenario]) -> "_Absences":
        ids, inverse = np.unique(staged.actor, return_inverse=True)
        first = np.full(len(ids), np.iinfo(np.int64).max)
        last = np.zeros(len(ids), dtype=np.int64)
        np.minimum.at(first, inverse, staged.time_ms)
        np.maximum.at(last, inverse, staged.time_ms)
        kind = campaigns.scenario[staged.row]
        fraud, exclusive = np.zeros(len(ids), dtype=bool), np.zeros(len(ids), dtype=bool)
        fraud[inverse] = np.array([s.fraud for s in scenarios])[kind]
        exclusive[inverse] = np.array([s.exclusive for s in scenarios])[kind]
        begin = np.where(exclusive, first, last + 1)
        return cls(ids, begin, np.where(fraud, np.iinfo(np.int64).max, np.where(exclusive, last, 0)))

    def without(self, batch: EventBatch) -> EventBatch:
        """``batch`` without the events of absent actors."""
        if not len(self.actor):
            return batch
        place = np.searchsorted(self.actor, batch.actor).clip(max=len(self.actor) - 1)
        absent = (batch.time_ms >= self.begin[place]) & (batch.time_ms <= self.end[place])
        return batch.take(~(absent & (self.actor[place] == batch.actor)))


def _cut(batch: EventBatch, wanted: int) -> EventBatch:
    """At most ``wanted`` events: whole sessions in the order they were drawn, the last one cut short."""
    order = np.lexsort((batch.time_ms, batch.row))
    return batch.take(order[:wanted])


def _in_sending_order(
    rng: np.random.Generator,
    id_rng: np.random.Generator,
    batch: EventBatch,
    campaigns: Campaigns,
    scenarios: tuple[Scenario, ...],
) -> Slice:
    size = len(batch)
    late = np.where(
        rng.random(size) < _STRAGGLERS, rng.exponential(_STRAGGLER_MEAN_MS, size).clip(max=_STRAGGLER_MAX_MS), 0.0
    )
    send = batch.time_ms + late.astype(np.int64)
    order = np.argsort(send, kind="stable")
    ids = id_rng.integers(0, 2**64, (size, 2), dtype=np.uint64)
    return Slice(batch.take(order), ids, send[order], campaigns, scenarios)
