"""A run has room when Flink has slots that no open run counts on."""

import pytest

from patternalarm.runs.registry import OpenRun
from patternalarm.runs.room import Room


def open_run(run_id, *, live=True, airflow_run_id="manual__1"):
    return OpenRun(run_id, "iot", "retrain_model", airflow_run_id, keep_topics=False, live=live, closing=False)


@pytest.mark.parametrize(
    ("free", "live", "fits"),
    [
        pytest.param(8, 0, True, id="nothing runs"),
        pytest.param(2, 3, True, id="the last two"),
        pytest.param(1, 0, False, id="held by jobs of somebody else"),
        pytest.param(4, 4, False, id="free, but their runs have yet to start their jobs"),
    ],
)
def test_slots_are_counted_by_who_has_them_and_by_who_will(free, live, fits):
    others = [open_run(f"run-{number}") for number in range(live)]
    assert (Room(needed=2, free=free, total=8).lack(others) == "") is fits


def test_a_run_whose_lease_has_expired_counts_on_nothing():
    assert Room(2, 2, 2).lack([open_run("run-1", live=False)]) == ""


def test_who_holds_them_is_told():
    lack = Room(2, 0, 4).lack([open_run("run-1"), open_run("run-2")])
    assert lack == "2 of Flink's 4 task slots are needed and 0 are free; held are 2 by run-1, 2 by run-2"


def test_one_run_of_a_dag_run_after_another():
    others = [open_run("run-1"), open_run("run-2", live=False), open_run("run-3", airflow_run_id="manual__2")]
    room = Room(2, 8, 8)
    lack = room.lack(others, ("retrain_model", "manual__1"))
    assert lack == "one run after another, and run-1, run-2 is not closed yet"
    assert room.lack(others, ("retrain_model", "manual__3")) == ""
