"""Finding the highest rate that is held."""

from collections.abc import Callable
from typing import Final

# How far the next rate lies from one that was held, or was not, while there is nothing on its other side.
_UP: Final = 1.3
_DOWN: Final = 0.75
# Bounds this close to each other are close enough.
_CLOSE: Final = 1.04


def highest_held(first: float, holds: Callable[[float], bool], tries: int) -> float | None:
    """The highest rate for which ``holds`` said yes, by bisection from ``first`` on; None when it never did."""
    low: float | None = None
    high: float | None = None
    rate = first
    for _ in range(tries):
        if holds(rate):
            low = rate
        else:
            high = rate
        if low is None:
            rate *= _DOWN
        elif high is None:
            rate *= _UP
        elif high / low <= _CLOSE:
            break
        else:
            rate = (low + high) / 2
    return low
