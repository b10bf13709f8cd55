"""The platform heals by itself, and keeps nothing of a run that ended."""

from collections.abc import Iterator

from faults.evidence import FaultedRun


def every_part_is_back(run: FaultedRun) -> Iterator[str]:
    """What was hit works again without anybody's help, and so does everything else."""
    for fault in run.faults:
        if fault.back is None and not fault.part.startswith("generator"):
            yield f"{fault.part} did not come back after {fault.what}"
    yield from run.unhealthy


def the_cause_is_named(run: FaultedRun) -> Iterator[str]:
    """Where the platform was asked while a fault lasted, it said what is wrong."""
    for fault in run.faults:
        if fault.said and not any(word in fault.said.lower() for word in fault.named):
            yield f"`make status` did not name {fault.what} of {fault.part}"


def nothing_is_left(run: FaultedRun) -> Iterator[str]:
    """No process, job, topic, folder or lease."""
    yield from run.left
