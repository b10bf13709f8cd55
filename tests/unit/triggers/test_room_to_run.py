"""Room is waited for with who has it, and tells the operator when it is there."""

import asyncio
from types import SimpleNamespace

import pytest

from patternalarm.runs.registry import OpenRun
from patternalarm.runs.room import Room
from patternalarm.triggers import room_to_run
from patternalarm.triggers.room_to_run import RoomToRunTrigger


@pytest.fixture
def world(monkeypatch):
    """Open runs at each look, the last ones stay; a Flink with two slots."""
    state = SimpleNamespace(looks=[], slept=0)

    class Database:
        def write(self, what, work):
            return state.looks.pop(0) if len(state.looks) > 1 else state.looks[0]

    async def sleep(_):
        state.slept += 1

    monkeypatch.setattr(room_to_run, "PlatformDatabaseHook", Database)
    monkeypatch.setattr(Room, "now", classmethod(lambda cls: cls(needed=2, free=2, total=2)))
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return state


def open_run(run_id):
    return OpenRun(run_id, "iot", "run_load_test", "manual__1", keep_topics=False, live=True, closing=False)


def event_of(trigger):
    async def first():
        async for event in trigger.run():
            return event
        raise AssertionError("no event")

    return asyncio.run(first())


def waiting(**options):
    return RoomToRunTrigger(run_id="run-1", dag_id="run_load_test", airflow_run_id="manual__1", **options)


def test_it_goes_on_when_the_others_are_closed_and_never_at_its_first_look(world):
    world.looks = [[open_run("run-0")], []]
    assert event_of(waiting(alone=False)).payload == {}
    assert world.slept == 2


def test_it_does_not_wait_for_itself(world):
    world.looks = [[open_run("run-1")]]
    assert event_of(waiting(alone=True)).payload == {}


def test_patience_ends_with_who_has_the_room(world):
    world.looks = [[open_run("run-0")]]
    reason = event_of(waiting(alone=False, patience=-1.0)).payload["reason"]
    assert reason.startswith("nothing moved for")
    world.looks = [[open_run("run-0")]]
    trigger = waiting(alone=False)
    trigger.look()
    trigger.look()
    assert trigger.waiting_for() == (
        "no room for run-1: 2 of Flink's 2 task slots are needed and 2 are free; held are 2 by run-0"
    )
