"""What a domain's ``activity.py`` gives the generator."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from patternalarm.generator.activity.cast import Cast
from patternalarm.generator.activity.population import NEWCOMER_SHARE, Actors, Segment, populate
from patternalarm.generator.activity.script import Script
from patternalarm.generator.batch import Array, Column


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
    play: Callable[[Script], None]
    weight: float = 1.0
    fresh: float = 0.0
    segments: tuple[str, ...] = ()
    exclusive: bool = False
    """Whether its actors do nothing else while it lasts."""


class DomainModel(ABC):
    """The activity of one domain in one shard: columns, population, sessions, campaigns."""

    columns: ClassVar[tuple[Column, ...]]
    segments: ClassVar[tuple[Segment, ...]]
    households: ClassVar[float] = 0.0
    """Share of actors that use a device together with another."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.prepare(rng, size)
        self.population = self.populate(rng, size, NEWCOMER_SHARE, first_index=0)

    @abstractmethod
    def prepare(self, rng: np.random.Generator, size: int) -> None:
        """Draw what the shard's actors share: merchants, guilds, servers."""

    def populate(self, rng: np.random.Generator, size: int, newcomers: float, first_index: int | None = None) -> Actors:
        """``size`` actors with the domain's own habits; see ``population.populate``."""
        households = 0.0 if first_index is None else self.households
        actors = populate(rng, self.segments, size, newcomers, households, first_index)
        actors.own = self.habits(rng, actors)
        return actors

    def cast(self, rng: np.random.Generator) -> Cast:
        """The population as actors of campaigns, in an order drawn from ``rng``."""
        return Cast(rng, self.population, self.segments, lambda draw, size: self.populate(draw, size, newcomers=1.0))

    @abstractmethod
    def habits(self, rng: np.random.Generator, actors: Actors) -> dict[str, Array]:
        """The ``own`` columns of ``actors``."""

    @abstractmethod
    def sessions(self) -> tuple[Session, ...]:
        """Ordinary activity."""

    @abstractmethod
    def scenarios(self) -> tuple[Scenario, ...]:
        """Fraud campaigns and look-alikes."""
