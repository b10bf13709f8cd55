"""What runs ask of the engines, whoever they are. ``tests/engines`` is the contract that every target must pass."""

from signal import Signals
from typing import Protocol

from patternalarm.engines.flink_job import FlinkJob
from patternalarm.engines.job_spec import JobSpec
from patternalarm.engines.process_state import ProcessState


class Processes(Protocol):
    """Starts, watches and stops jobs as processes, each known by its job's name.

    Raises, each method: ``ProcessesError`` when the target cannot be reached or refuses.
    """

    def start(self, job: JobSpec) -> None:
        """Start ``job``, in place of an earlier process of its name and of that one's log.

        Raises:
            ValueError: a name or argument that cannot be written down.
        """

    def state(self, name: str) -> ProcessState | None:
        """State of the process; None when it is unknown."""

    def names(self, prefix: str) -> list[str]:
        """Names of the known processes that start with ``prefix``, sorted; also of those that ended."""

    def is_ready(self, name: str) -> bool:
        """Whether the process of a job that tells so has been ready since it was started."""

    def tail_log(self, name: str, lines: int = 200) -> list[str]:
        """The last ``lines`` lines that the process wrote, oldest first; empty when there are none."""

    def signal(self, name: str, number: Signals) -> None:
        """Send the process, and none of its children, a signal; a stop by this way is an accident, not a wish."""

    def stop(self, name: str) -> ProcessState | None:
        """Ask the process to end, wait until it did, and tell how; None when it is unknown.

        One that does not obey within half a minute is killed. One that ended before keeps its state.
        """

    def remove(self, name: str) -> None:
        """Stop the process and forget it; nothing happens when it is unknown. Its log stays."""


class FlinkCluster(Protocol):
    """A Flink session cluster. Jobs get there by a ``JobSpec`` of program ``FLINK``, and are found by their name.

    Raises, each method: ``FlinkError`` when the cluster cannot be reached or refuses, or knows no job of that id.
    """

    def free_slots(self) -> int:
        """Task slots that no job holds."""

    def all_slots(self) -> int:
        """Task slots that there are, held by a job or not."""

    def job(self, name: str) -> FlinkJob | None:
        """The job of this name, of which there is one at most, also when it has ended; None when there is none."""

    def restarted(self, job_id: str) -> bool:
        """Whether the job was started again after a failure."""

    def last_checkpoint(self, job_id: str) -> int:
        """Number of the latest checkpoint that the job completed or was started from, which only grows; 0 before the first."""

    def ended_jobs(self) -> list[str]:
        """Names of the jobs of which it is kept how they ended, until ``forget``."""

    def forget(self, name: str) -> None:
        """Remove what is kept of how the job of this name ended. A name is a job's for good: it is that of its run."""

    def jobs_named(self, name: str) -> list[str]:
        """Ids of the jobs of this name that have not ended."""

    def running_jobs(self) -> dict[str, str]:
        """Names of the jobs that have not ended, by their ids."""

    def failure(self, job_id: str) -> str:
        """Why the job failed: the innermost cause of its last failure, or that Flink knows none."""

    def read_offsets(self, job_id: str, topic: str) -> dict[int, int]:
        """Offset of the last record that the job has read of each partition of ``topic``; -1 before the first.

        Partitions that no running source holds are missing. The figures trail the truth and never lead it, unless
        the job was started again: what is told then may be what it had read before.
        """

    def stop_with_drain(self, job_id: str, savepoints: str) -> str:
        """Ask the job to emit everything it holds back, take a savepoint and finish; the request's id.

        The savepoint, which lies under ``savepoints``, cannot be resumed: its watermark is past everything.
        """

    def stop_failure(self, job_id: str, request_id: str) -> str | None:
        """Why the stop of ``request_id`` failed; None while it has not."""

    def cancel(self, job_id: str) -> None:
        """Cancel the job; it ends some moments later."""


class Files(Protocol):
    """The directory of a scope, which belongs to it alone and goes with it: scratch, checkpoints, savepoints.

    Places are told as jobs of the target take them, be it a path or a URL.

    Raises, each method: ``ValueError`` for a scope that is no name of a directory.
    """

    def directory(self, scope: str) -> str:
        """Place of the scope's directory, whether it is there or not."""

    def scopes(self) -> list[str]:
        """Names of the directories that there are, sorted."""

    def make(self, scope: str) -> str:
        """Make the scope's directory if it is missing; its place."""

    def exists(self, scope: str) -> bool:
        """Whether the scope has a directory."""

    def remove(self, scope: str) -> None:
        """Remove the scope's directory with everything in it; nothing happens when there is none."""

    def checkpoints(self, scope: str) -> str:
        """Place of the checkpoints of the scope's Flink jobs, within its directory."""


class Capacity(Protocol):
    """Machines that cost while they wait, and so are there for a run and gone after it.

    Raises, each method: ``EngineError`` when the target cannot be reached or refuses.
    """

    def scale_up(self) -> None:
        """Ask for what a run needs, and return when it is there."""

    def scale_to_zero(self) -> None:
        """Let go of all of it; again is no error."""

    def counts(self) -> dict[str, int]:
        """How much of each kind is asked for or there, by the target's name of it; empty where nothing is scaled."""
