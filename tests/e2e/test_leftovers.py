"""A run that is stopped by hand leaves nothing, and what is live is left alone. `make leftovers` is the long form."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from leftovers.left import left_of, programs, runs_of
from leftovers.person import Person
from leftovers.states import STATES
from leftovers.stop import call_watchdog, left, reach, stop
from leftovers.ways import DAG_ID, ENDED, WAYS
from waiting import wait_for

from patternalarm.settings import Settings

CLOSED_WITHIN_SECONDS = 120


@pytest.fixture(scope="module")
def person(platform: Settings) -> Person:
    """Who interferes with runs."""
    return Person(platform)


def test_the_watchdog_closes_a_run_that_was_deleted(platform: Settings, person: Person, model: str) -> None:
    stopped = stop(platform, person, STATES["starting"], WAYS["delete-run"])
    assert left(platform, person, stopped)
    call_watchdog(person)
    assert left(platform, person, stopped) == []


def test_a_run_lives_through_the_watchdog_and_cleared_it_makes_way_for_the_next(
    platform: Settings, person: Person, model: str
) -> None:
    run = reach(person, STATES["measuring"])
    (first,) = runs_of(platform, run)
    before = {name: info["pid"] for name, info in programs(platform).items() if name.startswith(first)}
    call_watchdog(person)
    assert before
    assert {name: info["pid"] for name, info in programs(platform).items() if name.startswith(first)} == before

    person.clear(DAG_ID, run, "open_run", downstream=True)
    second = wait_for(lambda: next(iter(set(runs_of(platform, run)) - {first}), ""), CLOSED_WITHIN_SECONDS)
    # What follows a task that was not done is not begun, and would not fail below.
    wait_for(
        lambda: [t for t in person.tasks(DAG_ID, run) if t.task_id == "open_run" and t.state == "success"],
        CLOSED_WITHIN_SECONDS,
    )
    # Closing comes before opening.
    assert left_of(platform, first) == []
    person.mark_run(DAG_ID, run)
    wait_for(lambda: person.state_of(DAG_ID, run) in ENDED, CLOSED_WITHIN_SECONDS)
    assert left_of(platform, first) == left_of(platform, second) == []

    # With any task, Airflow clears its setup.
    person.clear(DAG_ID, run, "create_topics", downstream=False)
    (cleared,) = wait_for(
        lambda: [t for t in person.tasks(DAG_ID, run) if t.task_id == "open_run" and t.state == "failed"],
        CLOSED_WITHIN_SECONDS,
    )
    assert "Trigger the DAG again, or clear open_run with all that follows it" in person.failure(DAG_ID, run, cleared)
    assert runs_of(platform, run) == [first, second]
    assert left_of(platform, second) == []
