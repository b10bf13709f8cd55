"""What follows from the figures of the capacity study, in sentences that hold for any figures."""

from patternalarm.studies.capacity.result import ERROR_ASKED, CapacityResult
from patternalarm.studies.wording import count, percent

# Less than the last place that is told.
_NO_CONTENTION = 0.0005
_NO_COHERENCY = 0.00005
# Of the cores that the engines could have had; below it, CPU time was not what limited them.
_USED = 0.8


def conclusions(result: CapacityResult) -> list[str]:
    """Sentences, each a point of its own."""
    return [
        _law(result),
        _held_out(result),
        *_levels(result),
        _generator(result),
        *_unused(result),
        *_unbounded(result),
    ]


def _unused(result: CapacityResult) -> list[str]:
    unused = []
    for point in (*result.fitted, result.held_out):
        had = min(point.workers, result.machine.cores - point.generator_cores)
        if point.cores_used < _USED * had:
            unused.append(f"{point.workers:g} ({point.cores_used:.2f} used)")
    if not unused:
        return []
    return [
        f"The engines did not use what they could have had of {', '.join(unused)} cores: there something else set the limit, be "
        "it others at work on this machine or a stage that takes no more cores, and the law tells of that."
    ]


def _unbounded(result: CapacityResult) -> list[str]:
    unbounded = [f"{point.workers:g}" for point in (*result.fitted, result.held_out) if not point.bounded]
    if not unbounded:
        return []
    return [f"With {' and '.join(unbounded)} cores every rate tried was held, so they may hold more than is told here."]


def _law(result: CapacityResult) -> str:
    law = result.law
    one = f"One worker, a core's worth of engines, holds {count(law.rate * 60)} events a minute by the law"
    if law.contention < _NO_CONTENTION and law.coherency < _NO_COHERENCY:
        return f"{one}. It found neither contention nor coherency cost: in the range that was fitted, throughput is linear."
    most = law.law.most_workers if law.coherency >= _NO_COHERENCY else None
    costs = f"{one}. Contention (sigma) is {law.contention:.3f}, coherency (kappa) {law.coherency:.4f}"
    if most is None:
        return f"{costs}: more workers always give more, up to {count(law.rate * 60 / law.contention)} events a minute."
    return f"{costs}: beyond {most:.1f} workers, more of them would give less."


def _held_out(result: CapacityResult) -> str:
    point, error = result.held_out, result.error
    verdict = "within" if abs(error) <= ERROR_ASKED else "missing"
    direction = "too much" if error > 0 else "too little"
    return (
        f"The point that was held out, {point.workers:g} cores, held {count(point.held_per_second * 60)} events a minute. "
        f"The law promised {count(result.predicted_per_second * 60)}, {percent(abs(error))} {direction}: {verdict} the "
        f"{percent(ERROR_ASKED)} that were asked."
    )


def _levels(result: CapacityResult) -> list[str]:
    sentences = []
    beyond = [need for need in result.levels if need.extrapolated and need.workers is not None]
    never = [need for need in result.levels if need.workers is None]
    if beyond:
        names = ", ".join(f"{need.level} ({need.workers:g} workers)" for need in beyond)
        sentences.append(
            f"Extrapolated beyond {result.held_out.workers:g} cores, and so a guess: {names}. That many workers are several "
            "machines, whose network the law has never seen."
        )
    if never:
        names = ", ".join(need.level for need in never)
        sentences.append(f"By the law, no number of workers that share one set of engines holds {names}.")
    if not beyond and not never:
        sentences.append("Every load level lies within what was measured.")
    return sentences


def _generator(result: CapacityResult) -> str:
    point = result.held_out
    left = result.machine.cores - point.generator_cores
    sentence = (
        f"At the held-out point the generator took {point.generator_cores:.2f} cores, outside the quota, and the engines used "
        f"{point.cores_used:.2f} of their {point.workers:g}"
    )
    if point.workers > left:
        return f"{sentence}: both share {result.machine.cores} cores, so the quota could not be had in full."
    return f"{sentence}."
