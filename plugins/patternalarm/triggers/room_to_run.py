"""Wait until there is room for a run."""

from typing import Any

from airflow.triggers.base import TriggerEvent

from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.runs import registry as runs
from patternalarm.runs.room import Room
from patternalarm.triggers.polling import Done, Failed, PollingTrigger


class RoomToRunTrigger(PollingTrigger):
    """Done when a run could be opened; the operator then looks again, since another one may be quicker.

    Args:
        run_id: the run that waits.
        dag_id: its DAG.
        airflow_run_id: its DAG run.
        alone: wait for the end of every other run of that DAG run, too.
    """

    def __init__(
        self,
        *,
        run_id: str,
        dag_id: str,
        airflow_run_id: str,
        alone: bool,
        interval: float = 5.0,
        patience: float | None = None,
    ) -> None:
        super().__init__(interval=interval, patience=patience)
        self.run_id = run_id
        self.dag_id = dag_id
        self.airflow_run_id = airflow_run_id
        self.alone = alone
        self._lack: str | None = None

    def look(self) -> Done | Failed | None:
        """Ask Flink and the registry once."""
        if self._lack is None:
            # The operator has just looked; and Airflow 3.3 takes a task for killed when its trigger fires before the
            # scheduler hears of the deferral (apache/airflow#72716).
            self._lack = "the last look found no room"
            return None
        lack = self._look_for_room()
        if lack and lack != self._lack:
            self.log.info("%s", lack)
        self._lack = lack
        return None if lack else Done()

    def success(self) -> TriggerEvent:
        """Back to the operator, which opens the run."""
        return TriggerEvent({})

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        return f"no room for {self.run_id}: {self._lack}"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {
            "run_id": self.run_id,
            "dag_id": self.dag_id,
            "airflow_run_id": self.airflow_run_id,
            "alone": self.alone,
        }

    def _look_for_room(self) -> str:
        room = Room.now()
        found = PlatformDatabaseHook().write("look for room", runs.open_runs)
        others = [run for run in found if run.run_id != self.run_id]
        return room.lack(others, (self.dag_id, self.airflow_run_id) if self.alone else None)
