"""What a domain's module must give the generator, and how it is found."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import ClassVar

import numpy as np

from patternalarm.generator.batch import Array, Column
from patternalarm.generator.population import NEWCOMER_SHARE, Actors, Segment, choose, populate
from patternalarm.generator.script import Script


class Cast:
    """Hands out actors for the campaigns of one slice, nobody twice while there are others."""

    def __init__(self, rng: np.random.Generator, model: "DomainModel", population: Actors) -> None:
        self.rng = rng
        self._model = model
        self._population = population
        self._queue = rng.permutation(np.flatnonzero(population.age_days > 30))
        self._next = 0

    def established(self, size: int, segments: Sequence[str] = ()) -> Actors:
        """``size`` actors of the population with a history, of ``segments`` if any are named."""
        if not segments:
            taken = np.arange(self._next, self._next + size) % len(self._queue)
            self._next += size
            return self._population.take(self._queue[taken])
        wanted = [i for i, s in enumerate(self._model.segments) if s.name in segments]
        upcoming = np.roll(self._queue, -(self._next % len(self._queue)))
        fits = upcoming[np.isin(self._population.segment[upcoming], wanted)]
        chosen = np.resize(fits if len(fits) else upcoming, size)
        rest = upcoming[~np.isin(upcoming, chosen)]
        self._queue, self._next = np.concatenate((rest, np.unique(chosen))), 0
        return self._population.take(chosen)

    def fresh(self, size: int) -> Actors:
        """``size`` accounts opened moments to days ago."""
        return self._model.populate(self.rng, size, newcomers=1.0)

    def mixed(self, size: int, fresh_share: float, segments: Sequence[str] = ()) -> Actors:
        """``size`` actors, of whom ``fresh_share`` are fresh accounts."""
        fresh = self.rng.random(size) < fresh_share
        return choose(fresh, self.fresh(size), self.established(size, segments))


@dataclass(frozen=True)
class Session:
    """An ordinary piece of activity. ``weights`` says how often actors of each segment do it, by segment name."""

    play: Callable[[Script], None]
    weights: dict[str, float]


@dataclass(frozen=True)
class Scenario:
    """A campaign: a fraud of ``fraud_type``, or (``fraud`` false) a look-alike that resembles it.

    ``weight`` is relative to the other scenarios of the same kind; ``fresh`` the share of campaigns led by a fresh
    account; ``segments`` narrows the leads.
    """

    name: str
    fraud: bool
    fraud_type: str
    play: Callable[[Script, Cast], None]
    weight: float = 1.0
    fresh: float = 0.0
    segments: tuple[str, ...] = ()


class DomainModel(ABC):
    """The activity of one domain in one shard: columns, population, sessions, campaigns."""

    domain: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    segments: ClassVar[tuple[Segment, ...]]

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.prepare(rng, size)
        self.population = self.populate(rng, size, NEWCOMER_SHARE, first_index=0)

    def prepare(self, rng: np.random.Generator, size: int) -> None:
        """Draw what the shard's actors share: merchants, guilds, servers."""

    def populate(self, rng: np.random.Generator, size: int, newcomers: float, first_index: int | None = None) -> Actors:
        """``size`` actors with the domain's own habits; see ``population.populate``."""
        actors = populate(rng, self.segments, size, newcomers, first_index)
        actors.own = self.habits(rng, actors)
        return actors

    @abstractmethod
    def habits(self, rng: np.random.Generator, actors: Actors) -> dict[str, Array]:
        """The ``own`` columns of ``actors``."""

    @abstractmethod
    def sessions(self) -> tuple[Session, ...]:
        """Ordinary activity."""

    @abstractmethod
    def scenarios(self) -> tuple[Scenario, ...]:
        """Fraud campaigns and look-alikes."""


class UnknownGeneratorError(ValueError):
    """No synthetic activity exists for a domain."""


def domain_model(domain: str) -> type[DomainModel]:
    """The model class of ``domain``, from ``campaigns/<domain>.py``, which names it ``MODEL``.

    Raises:
        UnknownGeneratorError: there is no such module.
    """
    name = f"patternalarm.generator.campaigns.{domain}"
    if not domain.isidentifier() or find_spec(name) is None:
        raise UnknownGeneratorError(
            f"domain {domain!r} has a pack but no generator (campaigns/{domain}.py): replay a file of yours with it"
            " instead (make replay FILE=… PACK=…)"
        )
    model: type[DomainModel] = import_module(name).MODEL
    return model
