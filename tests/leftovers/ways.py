"""The ways in which a load test may be stopped, by hand or by accident."""

import os
import signal
from collections.abc import Callable
from typing import Final

from leftovers.left import programs, runs_of
from leftovers.person import Person
from leftovers.states import State
from waiting import wait_for

from patternalarm.settings import Settings

DAG_ID: Final = "run_load_test"
ENDED: Final = ("success", "failed", "gone")

# A run that goes on after its scheduler died is drained, graded and closed.
_END_SECONDS: Final = 420
_DELETED_SECONDS: Final = 60

Way = Callable[[Settings, Person, str, State], None]


def mark_task_failed(settings: Settings, person: Person, run: str, state: State) -> None:
    """The task at work is marked failed; the teardown follows."""
    person.mark_task(DAG_ID, run, state.task, state.map_index)


def mark_run_failed(settings: Settings, person: Person, run: str, state: State) -> None:
    """The DAG run is marked failed; its teardown follows."""
    person.mark_run(DAG_ID, run)


def clear_from_the_opening(settings: Settings, person: Person, run: str, state: State) -> None:
    """``open_run`` is cleared with all that follows it; once the next attempt is open, the DAG run is marked failed."""
    before = runs_of(settings, run)
    person.clear(DAG_ID, run, "open_run", downstream=True)
    wait_for(lambda: set(runs_of(settings, run)) - set(before), _END_SECONDS)
    wait_for(lambda: _task_state(person, run, "create_topics") in ("running", "success"), _END_SECONDS)
    person.mark_run(DAG_ID, run)


def delete_run(settings: Settings, person: Person, run: str, state: State) -> None:
    """The DAG run is deleted before its teardown could begin."""
    person.mark_task(DAG_ID, run, "close_run")
    person.mark_run(DAG_ID, run)
    wait_for(lambda: person.delete(DAG_ID, run), _DELETED_SECONDS)


def kill_scheduler(settings: Settings, person: Person, run: str, state: State) -> None:
    """The scheduler is killed; another one takes the run to its end."""
    os.kill(programs(settings)["airflow-scheduler"]["pid"], signal.SIGKILL)
    wait_for(lambda: person.state_of(DAG_ID, run) in ENDED, _END_SECONDS)


WAYS: Final[dict[str, Way]] = {
    way.__name__.replace("_", "-"): way
    for way in (mark_task_failed, mark_run_failed, clear_from_the_opening, delete_run, kill_scheduler)
}


def _task_state(person: Person, run: str, task_id: str) -> str:
    return next((task.state for task in person.tasks(DAG_ID, run) if task.task_id == task_id), "")
