"""Share a load test's events out among its generators."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from airflow.sdk import BaseOperator, Context

from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.runs import registry as runs

# From here to the first event lie a scheduler's turn, a task's start and a generator's start; an event that is handed
# over after its time counts as late.
_LEAD_SECONDS: Final = 8


class Phase(StrEnum):
    """Part of a load test: what the actors did before, unpaced, and what is measured, paced by the clock."""

    HISTORY = "history"
    MEASURED = "measured"


class PlanShardsOperator(BaseOperator):  # type: ignore[misc]
    """Returns the generator's options by shard, for mapping.

    For the measured phase it also decides when events begin, and records the run's measured window. That window begins
    when the run was opened: all history is older than that, and every event after it is measured.

    Args:
        phase: which part of the load test.
        run_id: the run.
        opened_at: ISO 8601 time of opening.
        minutes: how long events flow in the measured phase.
        shards: how many generators share the load.
    """

    template_fields = ("run_id", "opened_at", "minutes", "shards")

    def __init__(self, *, phase: Phase, run_id: str, opened_at: str, minutes: str, shards: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.phase = phase
        self.run_id = run_id
        self.opened_at = opened_at
        self.minutes = minutes
        self.shards = shards

    def execute(self, context: Context) -> list[dict[str, str]]:  # noqa: ARG002 - Airflow's signature
        """Plan."""
        opened_at = datetime.fromisoformat(self.opened_at)
        seconds = float(self.minutes) * 60
        start_at = opened_at
        if self.phase is Phase.MEASURED:
            start_at = (datetime.now(UTC) + timedelta(seconds=_LEAD_SECONDS)).replace(microsecond=0)
            until = start_at + timedelta(seconds=seconds)
            PlatformDatabaseHook().write(
                f"set the measured window of {self.run_id}",
                lambda connection: runs.set_measured_window(connection, self.run_id, opened_at, until),
            )
        common = {
            "phase": self.phase.value,
            "shards": self.shards,
            "seconds": f"{seconds:g}",
            "start_at": start_at.isoformat(timespec="milliseconds"),
        }
        return [{**common, "shard": str(shard)} for shard in range(int(self.shards))]
