"""The Universal Scalability Law, fitted to throughputs that were measured.

    X(N) = lambda N / (1 + sigma (N - 1) + kappa N (N - 1))

N. J. Gunther, "Guerrilla Capacity Planning" (Springer, 2007), chapter 5. Turned over, N / X(N) is linear in 1 / lambda,
sigma / lambda and kappa / lambda, so that a linear regression finds them; none of them may be negative, hence non-negative
least squares.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls


@dataclass(frozen=True)
class ScalabilityLaw:
    """Throughput over workers.

    Attributes:
        rate: lambda, the throughput of one worker.
        contention: sigma, the share of work that waits for what only one can have at a time.
        coherency: kappa, what each pair of workers costs to agree.
    """

    rate: float
    contention: float
    coherency: float

    def throughput(self, workers: float) -> float:
        """X of so many workers, which may be a fraction."""
        slowed = 1 + self.contention * (workers - 1) + self.coherency * workers * (workers - 1)
        return self.rate * workers / slowed

    @property
    def most_workers(self) -> float | None:
        """Workers from which on more of them give less; None where that never comes."""
        if self.coherency <= 0:
            return None
        return math.sqrt(max(0.0, 1 - self.contention) / self.coherency)

    def workers_for(self, throughput: float) -> float | None:
        """The fewest workers that give ``throughput``; None when no number of them does."""
        # X(N) = throughput is a quadratic equation in N, with the smaller root where more workers still give more.
        a = throughput * self.coherency
        b = throughput * (self.contention - self.coherency) - self.rate
        c = throughput * (1 - self.contention)
        inside = b * b - 4 * a * c
        # Written with the root in the denominator, which holds for a line (a = 0), too, and loses no digits near one.
        if inside < 0 or math.sqrt(inside) <= b:
            return None
        root = 2 * c / (math.sqrt(inside) - b)
        return root if root >= 0 else None


def fit(workers: Sequence[float], throughputs: Sequence[float]) -> ScalabilityLaw:
    """The law with the least squares of relative errors in N / X.

    Raises:
        ValueError: there are fewer points than the law has parameters, or one is not positive.
    """
    n, x = np.asarray(workers, dtype=float), np.asarray(throughputs, dtype=float)
    if len(n) < 3 or len(n) != len(x):
        raise ValueError(
            f"{len(n)} workers and {len(x)} throughputs: the law has three parameters, give three points or more"
        )
    if not ((n > 0).all() and (x > 0).all()):
        raise ValueError("workers and throughputs must be positive")
    # Relative errors, since the largest throughput would else decide alone.
    design = np.column_stack([np.ones_like(n), n - 1, n * (n - 1)]) * (x / n)[:, np.newaxis]
    inverse_rate, contention, coherency = nnls(design, np.ones_like(n))[0]
    return ScalabilityLaw(float(1 / inverse_rate), float(contention / inverse_rate), float(coherency / inverse_rate))


def relative_error(predicted: float, measured: float) -> float:
    """How far a prediction is off, as a share of what was measured; positive when it promises too much."""
    return (predicted - measured) / measured
