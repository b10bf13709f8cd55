"""What is known about a Flink job."""

from dataclasses import dataclass
from typing import Final

ENDED_STATES: Final = frozenset({"FAILED", "CANCELED", "FINISHED", "SUSPENDED"})


@dataclass(frozen=True)
class FlinkJob:
    """State of a Flink job.

    Attributes:
        job_id: 32 hex digits.
        name: the job's name.
        state: Flink's word: CREATED, RUNNING, RESTARTING, FAILING, FAILED, CANCELLING, CANCELED, FINISHED, ...
        vertices_running: whether every vertex runs.
    """

    job_id: str
    name: str
    state: str
    vertices_running: bool

    @property
    def ended(self) -> bool:
        """Whether it runs no more and never will."""
        return self.state in ENDED_STATES
