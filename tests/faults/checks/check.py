"""What a check is: a promise, as a function from the evidence to what breaks it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from faults.evidence import FaultedRun


@dataclass(frozen=True)
class Check:
    """A promise.

    Attributes:
        id: its name.
        problems: what breaks it in a run, a sentence each; none when it is kept.
        of_graded_runs: whether it is promised of runs that are graded only.
    """

    id: str
    problems: Callable[[FaultedRun], Iterable[str]]
    of_graded_runs: bool = False

    def applies_to(self, run: FaultedRun) -> bool:
        """Whether it is promised of this run."""
        return run.must_be_graded or not self.of_graded_runs
