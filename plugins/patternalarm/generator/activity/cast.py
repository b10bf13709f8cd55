"""Who takes part in the campaigns of a slice."""

from collections.abc import Callable, Sequence

import numpy as np

from patternalarm.generator.activity.population import NEWCOMER_DAYS, Actors, Segment, choose


class Cast:
    """Hands out actors for the campaigns of one slice, nobody twice while there are others.

    ``open_accounts(rng, size)`` makes accounts that are moments to days old.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        population: Actors,
        segments: Sequence[Segment],
        open_accounts: Callable[[np.random.Generator, int], Actors],
    ) -> None:
        self._rng = rng
        self._population = population
        self._segments = [segment.name for segment in segments]
        self._open_accounts = open_accounts
        settled = np.flatnonzero(population.age_days > NEWCOMER_DAYS)
        self._queue = rng.permutation(settled if len(settled) else len(population))

    def established(self, size: int, segments: Sequence[str] = ()) -> Actors:
        """``size`` actors of the population with a history, of ``segments`` if any are named."""
        fits = self._queue
        if segments:
            wanted = [self._segments.index(name) for name in segments]
            fits = fits[np.isin(self._population.segment[fits], wanted)]
        chosen = np.resize(fits if len(fits) else self._queue, size)
        taken = np.isin(self._queue, chosen)
        self._queue = np.concatenate((self._queue[~taken], self._queue[taken]))
        return self._population.take(chosen)

    def fresh(self, size: int) -> Actors:
        """``size`` accounts opened moments to days ago."""
        return self._open_accounts(self._rng, size)

    def mixed(self, size: int, fresh_share: float, segments: Sequence[str] = ()) -> Actors:
        """``size`` actors, of whom ``fresh_share`` are fresh accounts."""
        fresh = self._rng.random(size) < fresh_share
        return choose(fresh, self.fresh(size), self.established(size, segments))
