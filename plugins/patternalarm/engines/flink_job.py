"""What is known about a Flink job."""

from dataclasses import dataclass
from typing import Final

# Not among them: SUSPENDED, the state of a job whose JobManager goes; the next one takes it up.
ENDED_STATES: Final = frozenset({"FAILED", "CANCELED", "FINISHED"})


@dataclass(frozen=True)
class FlinkJob:
    """State of a Flink job.

    Attributes:
        job_id: 32 hex digits.
        name: the job's name.
        state: Flink's word: CREATED, RUNNING, RESTARTING, FAILING, FAILED, CANCELLING, CANCELED, FINISHED, ...
        vertices_running: whether every vertex runs, or ran to its end, as in a drain one does after the other. A job is
            RUNNING long before.
    """

    job_id: str
    name: str
    state: str
    vertices_running: bool

    @property
    def ended(self) -> bool:
        """Whether it runs no more and never will."""
        return self.state in ENDED_STATES
