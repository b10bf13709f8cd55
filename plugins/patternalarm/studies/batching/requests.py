"""Requests that follow one another, timed."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from patternalarm.models.forest import Tree
from patternalarm.studies.batching.result import Measurement, Way

# Of one, ten, a hundred and a thousand rows, as the original's one and hundred.
ROWS_PER_REQUEST = (1, 10, 100, 1_000)
SEED = 7
MISSING_SHARE = 0.05


def made_rows(trees: Sequence[Tree], features: int, count: int, seed: int = SEED) -> NDArray[np.float64]:
    """``count`` feature vectors that lead to leaves all over the forest: (count, features), NaN = missing.

    Each value lies around a split that the forest makes on that feature, or is 0 where it makes none. What a forest costs
    depends on the way to the leaves alone, so any rows that spread over them tell it.
    """
    rng = np.random.default_rng(seed)
    inner = [tree.children_left >= 0 for tree in trees]
    feature = np.concatenate([tree.feature[is_inner] for tree, is_inner in zip(trees, inner, strict=True)])
    threshold = np.concatenate([tree.threshold[is_inner] for tree, is_inner in zip(trees, inner, strict=True)])
    rows = np.zeros((count, features))
    for column in range(features):
        splits = threshold[feature == column]
        if len(splits):
            rows[:, column] = rng.choice(splits, count) * rng.uniform(0.5, 1.5, count)
    rows[rng.random(rows.shape) < MISSING_SHARE] = np.nan
    return rows


def slices(rows: NDArray[np.float64], size: int) -> Iterator[NDArray[np.float64]]:
    """Requests of ``size`` rows, for ever, so that no two in a row are the same."""
    first = 0
    while True:
        yield rows[np.arange(first, first + size) % len(rows)]
        first += size


def timed(
    way: Way,
    rows: NDArray[np.float64],
    size: int,
    request: Callable[[NDArray[np.float64]], object],
    cpu: Callable[[], float],
    requests: int,
    warm_up: int,
    at_least_seconds: float = 0.0,
) -> Measurement:
    """Make ``requests`` requests of ``size`` rows after ``warm_up`` that do not count; ``cpu`` tells CPU seconds so far.

    Requests so quick that all of them take less than ``at_least_seconds`` are made more often, for the clocks of processes
    tick every 10 ms.
    """
    source = slices(rows, size)
    for _ in range(warm_up):
        request(next(source))
    seconds: list[float] = []
    before, whole = cpu(), 0.0
    while len(seconds) < requests or whole < at_least_seconds:
        asked = next(source)
        began = time.perf_counter()
        request(asked)
        seconds.append(time.perf_counter() - began)
        whole += seconds[-1]
    return Measurement.of_requests(way, size, seconds, cpu() - before)
