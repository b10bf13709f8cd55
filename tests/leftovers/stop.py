"""Start a load test, stop it in a state in a way, and see what is left."""

import time
from dataclasses import dataclass
from typing import Any, Final

from leftovers.left import left_of, runs_of
from leftovers.person import Person
from leftovers.states import State
from leftovers.ways import DAG_ID, ENDED, Way
from waiting import wait_for

from patternalarm.settings import Settings

WATCHDOG: Final = "enforce_scale_to_zero"
PARAMETERS: Final[dict[str, Any]] = {
    "domain": "payments",
    "level": "mini",
    "minutes": 0.5,
    "seed": 4711,
    "strict": False,
}

_STATE_SECONDS: Final = 600
_WATCHDOG_SECONDS: Final = 300


@dataclass(frozen=True)
class Stopped:
    """A load test that was stopped.

    Attributes:
        airflow_run_id: its DAG run.
        at: when it was, on the clock of ``time.monotonic``.
    """

    airflow_run_id: str
    at: float


def reach(person: Person, state: State) -> str:
    """Start a load test and return when it is in ``state``; its DAG run.

    Raises:
        AssertionError: it ended before, or does not come so far.
    """
    run = person.trigger(DAG_ID, PARAMETERS)

    def look() -> bool:
        assert person.state_of(DAG_ID, run) not in ENDED, f"the load test ended before it was {state.name}"
        tasks = {(task.task_id, task.map_index): task.state for task in person.tasks(DAG_ID, run)}
        return tasks.get((state.task, state.map_index)) in state.at_work

    wait_for(look, _STATE_SECONDS)
    return run


def stop(settings: Settings, person: Person, state: State, way: Way) -> Stopped:
    """Start a load test and stop it."""
    run = reach(person, state)
    way(settings, person, run, state)
    return Stopped(run, time.monotonic())


def left(settings: Settings, person: Person, stopped: Stopped) -> list[str]:
    """What is left of every attempt of a stopped load test, and whether its DAG run goes on."""
    going_on = person.state_of(DAG_ID, stopped.airflow_run_id) not in ENDED
    found = [thing for run_id in runs_of(settings, stopped.airflow_run_id) for thing in left_of(settings, run_id)]
    return [*found, *(["a DAG run that goes on"] if going_on else [])]


def call_watchdog(person: Person) -> None:
    """Run the watchdog now, and wait for its end.

    Raises:
        AssertionError: it fails, or does not end.
    """
    run = person.trigger(WATCHDOG, {})
    assert wait_for(lambda: _ended(person, run), _WATCHDOG_SECONDS) == "success"


def _ended(person: Person, run: str) -> str:
    state = person.state_of(WATCHDOG, run)
    return state if state in ENDED else ""
