"""Actors with habits: their own hours, amounts, devices, places and counterparties."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from patternalarm.generator.batch import COUNTRIES, Array, mint

MINIMUM_ACTORS = 400
EVENTS_PER_ACTOR_MINUTE = 4
NEWCOMER_SHARE = 0.06
NEWCOMER_DAYS = 3.0

# The first countries of the list are home to most actors; the rest is seen on journeys, and by anybody else abroad.
_HOME_COUNTRIES = 9


@dataclass(frozen=True)
class Segment:
    """A kind of actor: its share of the population and the ranges that its habits are drawn from.

    ``level`` is the median of the actor's usual value (an amount, a stake, a reading) with log-sigma ``level_sigma``
    between actors, ``spread`` the log-sigma within one actor, ``activity`` events relative to others.
    """

    name: str
    share: float
    level: float
    level_sigma: float
    spread: float
    activity: float = 1.0


@dataclass
class Actors:
    """Actors in columns. ``index`` is the position in the population, -1 for accounts made during a campaign.

    ``skill`` is a second habit in [0, 1] that a domain gives its own meaning; ``own`` holds what only a domain knows,
    each array with one row per actor.
    """

    index: Array
    id: Array
    segment: Array
    device: Array
    spare_device: Array
    ip: Array
    country: Array
    level: Array
    spread: Array
    skill: Array
    age_days: Array
    activity: Array
    peak_hour: Array
    own: dict[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.id)

    def take(self, chosen: Array) -> "Actors":
        """The actors at ``chosen`` (positions or a mask), in that order, repeats allowed."""
        columns: dict[str, Any] = {f.name: getattr(self, f.name)[chosen] for f in fields(self) if f.name != "own"}
        return Actors(**columns, own={k: v[chosen] for k, v in self.own.items()})

    def aged(self, days: float) -> "Actors":
        """The same actors ``days`` earlier."""
        columns: dict[str, Any] = {f.name: getattr(self, f.name) for f in fields(self)}
        return Actors(**{**columns, "age_days": self.age_days - days})

    def weight_at(self, hour: float) -> Array:
        """How active each actor is at ``hour`` of the day (UTC), relative to others."""
        away = np.cos((hour - self.peak_hour) / 24 * 2 * np.pi) - 1
        return np.asarray(self.activity * (0.25 + np.exp(1.5 * away)))


def choose(when: Array, then: Actors, otherwise: Actors) -> Actors:
    """``then`` where ``when`` holds, ``otherwise`` elsewhere; all three of one length."""

    def pick(a: Array, b: Array) -> Array:
        return np.where(when if a.ndim == 1 else when[:, None], a, b)

    columns: dict[str, Any] = {
        f.name: pick(getattr(then, f.name), getattr(otherwise, f.name)) for f in fields(Actors) if f.name != "own"
    }
    return Actors(**columns, own={k: pick(v, otherwise.own[k]) for k, v in then.own.items()})


def populate(
    rng: np.random.Generator,
    segments: Sequence[Segment],
    size: int,
    newcomers: float,
    households: float = 0.0,
    first_index: int | None = None,
) -> Actors:
    """``size`` actors of ``segments``, of whom the share ``newcomers`` opened the account in the last few days.

    The share ``households`` uses a device together with another actor. ``first_index`` numbers the actors from there;
    None makes accounts outside the population.
    """
    shares = np.array([s.share for s in segments])
    segment = rng.choice(len(segments), size, p=shares / shares.sum()).astype(np.int8)

    def of(name: str) -> Array:
        return np.array([getattr(s, name) for s in segments])[segment]

    device = mint(rng, size)
    members = np.flatnonzero(rng.random(size) < households)
    device[members[1::2]] = device[members[: len(members) // 2 * 2 : 2]]
    new = rng.random(size) < newcomers
    return Actors(
        index=np.full(size, -1) if first_index is None else np.arange(first_index, first_index + size),
        id=mint(rng, size),
        segment=segment,
        device=device,
        spare_device=mint(rng, size),
        ip=rng.integers(0x0B000000, 0xDF000000, size, dtype=np.uint32),
        country=(rng.zipf(1.6, size) - 1).clip(0, _HOME_COUNTRIES - 1).astype(np.int16),
        level=of("level") * np.exp(rng.normal(0, 1, size) * of("level_sigma")),
        spread=of("spread") * rng.uniform(0.7, 1.3, size),
        skill=rng.beta(3, 4, size),
        age_days=np.where(new, rng.uniform(0.01, NEWCOMER_DAYS, size), 30 + 600 * np.exp(rng.normal(0, 0.9, size))),
        activity=of("activity") * np.exp(rng.normal(0, 0.45, size)),
        peak_hour=rng.normal(15, 4, size) % 24,
    )


def population_size(events_per_minute: float, shards: int) -> int:
    """Actors of one shard: an active actor emits about four events a minute."""
    return max(MINIMUM_ACTORS, round(events_per_minute / EVENTS_PER_ACTOR_MINUTE)) // shards + 1


def foreign_country(rng: np.random.Generator, home: Array) -> Array:
    """A country other than each actor's own, any of the list."""
    return np.asarray((home + rng.integers(1, len(COUNTRIES), len(home))) % len(COUNTRIES), dtype=np.int16)
