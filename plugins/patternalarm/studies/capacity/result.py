"""What the capacity study finds."""

import math
from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from patternalarm.contracts.runs import EVENTS_PER_MINUTE, Level
from patternalarm.studies.capacity.scalability_law import ScalabilityLaw, fit, relative_error
from patternalarm.studies.machine import Machine

# Workers are given out in steps of this many.
WORKER_STEP = 0.5
ERROR_ASKED = 0.15


class Hold(BaseModel):
    """A rate that was tried.

    Attributes:
        per_second: events a second that were sent.
        lag_growth: growth of the lag, events a second, as a share of what was sent a second.
        held: whether the lag was flat.
    """

    per_second: float
    lag_growth: float
    held: bool


class Point(BaseModel):
    """What engines with a quota hold.

    Attributes:
        workers: the quota, in cores.
        held_per_second: the highest rate, events a second, at which the lag stayed flat.
        full_topic_per_second: events a second from a topic that was full.
        cores_used: cores that the engines used at the highest rate held.
        generator_cores: cores that the generator used beside them, outside the quota.
        memory_mib: resident memory of the engines afterwards.
        holds: every rate that was tried, in order.
    """

    workers: float
    held_per_second: float
    full_topic_per_second: float
    cores_used: float
    generator_cores: float
    memory_mib: float
    holds: list[Hold]

    @property
    def bounded(self) -> bool:
        """Whether a higher rate was tried and not held; else more might be."""
        return any(not hold.held and hold.per_second > self.held_per_second for hold in self.holds)


class Law(BaseModel):
    """The Universal Scalability Law, events a second."""

    rate: float
    contention: float
    coherency: float

    @property
    def law(self) -> ScalabilityLaw:
        """As the law itself."""
        return ScalabilityLaw(self.rate, self.contention, self.coherency)


class LevelNeed(BaseModel):
    """What a load level needs.

    Attributes:
        level: the level.
        events_per_minute: its rate.
        workers: cores' worth of engines, in steps of ``WORKER_STEP``; None when no number of them holds it.
        memory_mib: memory of the engines, by as many machines like this one as the workers fill.
        extrapolated: whether it lies beyond what was measured.
    """

    level: Level
    events_per_minute: int
    workers: float | None
    memory_mib: float | None
    extrapolated: bool


class CapacityResult(BaseModel):
    """The study.

    Attributes:
        measured_at: when it began.
        machine: where.
        domain: what events.
        model_version: by which model they were scored.
        hold_seconds: how long each rate was sent.
        lag_growth_allowed: up to which growth a lag is flat, as a share of the rate.
        fitted: points that the law was fitted to, by workers.
        held_out: the point that it was not.
        law: the law.
        predicted_per_second: what the law says of the held-out point.
        error: how far that is off, as a share of what was measured.
        levels: what load levels need.
    """

    measured_at: datetime
    machine: Machine
    domain: str
    model_version: str
    hold_seconds: float
    lag_growth_allowed: float
    fitted: list[Point]
    held_out: Point
    law: Law
    predicted_per_second: float
    error: float
    levels: list[LevelNeed]


def level_needs(law: ScalabilityLaw, points: Sequence[Point]) -> list[LevelNeed]:
    """What each load level needs by ``law``, given what was measured.

    A level that the fewest workers measured hold is told with those: less was not tried.
    """
    fewest = min(points, key=lambda point: point.workers)
    largest = max(points, key=lambda point: point.workers)
    needs = []
    for level in Level:
        per_second = EVENTS_PER_MINUTE[level] / 60
        workers: float | None = fewest.workers
        extrapolated = False
        if per_second > fewest.held_per_second:
            exact = law.workers_for(per_second)
            # Rounding keeps what is a step but for the last digit of a float.
            workers = (
                None if exact is None else max(fewest.workers, math.ceil(round(exact / WORKER_STEP, 6)) * WORKER_STEP)
            )
            extrapolated = workers is None or workers > largest.workers
        needs.append(
            LevelNeed(
                level=level,
                events_per_minute=EVENTS_PER_MINUTE[level],
                workers=workers,
                memory_mib=None if workers is None else _memory(workers, points),
                extrapolated=extrapolated,
            )
        )
    return needs


def _memory(workers: float, points: Sequence[Point]) -> float:
    enough = [point for point in points if point.workers >= workers]
    if enough:
        return min(enough, key=lambda point: point.workers).memory_mib
    largest = max(points, key=lambda point: point.workers)
    return math.ceil(workers / largest.workers) * largest.memory_mib


def evaluate(
    measured_at: datetime,
    machine: Machine,
    domain: str,
    model_version: str,
    hold_seconds: float,
    lag_growth_allowed: float,
    fitted: list[Point],
    held_out: Point,
) -> CapacityResult:
    """Fit the law to ``fitted``, try it on ``held_out``, and say what the load levels need.

    Raises:
        ValueError: fewer than three points were fitted, or one held nothing.
    """
    law = fit([point.workers for point in fitted], [point.held_per_second for point in fitted])
    predicted = law.throughput(held_out.workers)
    return CapacityResult(
        measured_at=measured_at,
        machine=machine,
        domain=domain,
        model_version=model_version,
        hold_seconds=hold_seconds,
        lag_growth_allowed=lag_growth_allowed,
        fitted=fitted,
        held_out=held_out,
        law=Law(rate=law.rate, contention=law.contention, coherency=law.coherency),
        predicted_per_second=predicted,
        error=relative_error(predicted, held_out.held_per_second),
        levels=level_needs(law, [*fitted, held_out]),
    )
