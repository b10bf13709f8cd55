"""Wilson's score interval of a proportion."""

from math import sqrt
from typing import Final

# Quantile of the standard normal distribution that leaves 2.5 % above it.
Z_95: Final = 1.959963984540054


def wilson_interval(successes: float, trials: int, z: float = Z_95) -> tuple[float, float] | None:
    """Interval that covers the true proportion with 95 % confidence (``z`` sets another); None without trials.

    ``successes`` need not be a whole number: a mean of shares counts as that part of its trials.
    Unlike the normal approximation it stays within [0, 1] and says something at 0 and at all of few trials.
    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927), 209-212.

    Raises:
        ValueError: ``successes`` is negative or more than ``trials``.
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes of {trials} trials cannot be")
    if trials == 0:
        return None
    share = successes / trials
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / scale
    return max(0.0, centre - half), min(1.0, centre + half)
