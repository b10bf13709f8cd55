"""Is there room for one more run? Told by the leases, so that a run has its slots before its Flink job takes them."""

from collections.abc import Sequence
from dataclasses import dataclass

from patternalarm.engines import target
from patternalarm.runs.registry import OpenRun
from patternalarm.settings import get_settings


@dataclass(frozen=True)
class Room:
    """Flink's task slots at one moment.

    Attributes:
        needed: slots that a run's job takes.
        free: slots that no job holds.
        total: slots that there are.
    """

    needed: int
    free: int
    total: int

    @classmethod
    def now(cls) -> "Room":
        """Ask Flink.

        Raises:
            FlinkError: it cannot be reached.
        """
        flink = target.flink()
        return cls(get_settings().flink_parallelism, flink.free_slots(), flink.all_slots())

    def lack(self, others: Sequence[OpenRun], alone_in: tuple[str, str] | None = None) -> str:
        """Why there is no room for one run more beside the ``others``, in words; empty when there is.

        A run holds its slots from its opening on, though its job takes them later: two that are opened at the same moment
        must not both count on the last ones.

        Args:
            others: the open runs but the one that asks.
            alone_in: DAG and DAG run whose runs go one after another; None where they need not.
        """
        first = [run.run_id for run in others if (run.dag_id, run.airflow_run_id) == alone_in]
        if first:
            return f"one run after another, and {', '.join(first)} is not closed yet"
        holders = [run.run_id for run in others if run.live]
        if self.free >= self.needed and (len(holders) + 1) * self.needed <= self.total:
            return ""
        held = ", ".join(f"{self.needed} by {run_id}" for run_id in holders) or "none by a run that is known"
        return f"{self.needed} of Flink's {self.total} task slots are needed and {self.free} are free; held are {held}"
