from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from patternalarm.contracts.runs import PLANNED_ROWS, RunKind
from patternalarm.runs.registry import (
    Run,
    RunError,
    RunState,
    acquire_lease,
    finish_run,
    get_run,
    live_leases,
    open_run,
    plan_rows,
    release_lease,
    runs_of_airflow_run,
    set_measured_window,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
RUN = Run(
    run_id="load-test-toll-1",
    kind=RunKind.LOAD_TEST,
    domain="toll",
    dag_id="run_load_test",
    airflow_run_id="manual__2026-11-24T12:00:00+00:00",
    pack_version="7",
    feature_set="abc",
    pattern_set="def",
    requested_at=NOON,
    level="mini",
    seed=7,
    minutes=2.0,
    model_version="m-1",
    params={"level": "mini"},
)


def test_an_opened_run_comes_back_as_it_was_also_when_opened_again(platform):
    assert open_run(platform, RUN) == RUN
    assert open_run(platform, replace(RUN, seed=8)) == RUN
    assert get_run(platform, RUN.run_id) == RUN


def test_a_run_id_that_another_run_took_is_refused(platform):
    open_run(platform, RUN)
    with pytest.raises(RunError, match="belongs to run_load_test run manual__2026"):
        open_run(platform, replace(RUN, airflow_run_id="manual__2"))
    with pytest.raises(ValueError, match="run_id 'Load:1'"):
        open_run(platform, replace(RUN, run_id="Load:1"))


def test_the_runs_of_an_airflow_run_are_found(platform):
    rail = replace(RUN, run_id="load-test-rail-1", domain="rail")
    for run in (RUN, rail, replace(RUN, run_id="load-test-toll-2", airflow_run_id="manual__2")):
        open_run(platform, run)
    assert runs_of_airflow_run(platform, RUN.dag_id, RUN.airflow_run_id) == [rail, RUN]
    assert runs_of_airflow_run(platform, RUN.dag_id, "manual__3") == []


def test_the_first_end_of_a_run_stays(platform):
    open_run(platform, RUN)
    assert finish_run(platform, RUN.run_id, RunState.MISSED, "recall 0.71 < 0.80")
    assert not finish_run(platform, RUN.run_id, RunState.FAILED, "teardown found it open")
    ended = get_run(platform, RUN.run_id)
    assert (ended.state, ended.reason) == (RunState.MISSED, "recall 0.71 < 0.80")
    assert ended.ended_at is not None
    with pytest.raises(ValueError, match="cannot finish as running"):
        finish_run(platform, RUN.run_id, RunState.RUNNING)


def test_the_measured_window_is_kept(platform):
    open_run(platform, RUN)
    set_measured_window(platform, RUN.run_id, NOON, NOON + timedelta(minutes=2))
    run = get_run(platform, RUN.run_id)
    assert (run.measured_from, run.measured_until) == (NOON, NOON + timedelta(minutes=2))
    with pytest.raises(ValueError, match="before it starts"):
        set_measured_window(platform, RUN.run_id, NOON, NOON - timedelta(minutes=2))


def test_a_lease_is_live_until_released_and_can_be_taken_again(platform):
    open_run(platform, RUN)
    lease = acquire_lease(platform, RUN.run_id, timedelta(minutes=5))
    assert lease.expires_at > lease.acquired_at + timedelta(minutes=4)
    assert [one.run_id for one in live_leases(platform)] == [RUN.run_id]
    assert release_lease(platform, RUN.run_id)
    assert not release_lease(platform, RUN.run_id)
    assert live_leases(platform) == []
    acquire_lease(platform, RUN.run_id, timedelta(minutes=5))
    assert [one.run_id for one in live_leases(platform)] == [RUN.run_id]


def test_an_expired_lease_is_not_live(platform):
    open_run(platform, RUN)
    acquire_lease(platform, RUN.run_id, timedelta(microseconds=1))
    assert live_leases(platform) == []


@pytest.mark.parametrize(
    "act",
    [
        lambda c: get_run(c, "nobody"),
        lambda c: finish_run(c, "nobody", RunState.PASSED),
        lambda c: set_measured_window(c, "nobody", NOON, NOON),
        lambda c: acquire_lease(c, "nobody", timedelta(minutes=1)),
    ],
)
def test_a_run_that_nobody_opened_is_named(platform, act):
    with pytest.raises(RunError, match="no run 'nobody'"):
        act(platform)


def test_how_many_rows_a_replay_publishes_is_said_once(platform):
    open_run(platform, RUN)
    assert plan_rows(platform, RUN.run_id, 1_200) == 1_200
    assert plan_rows(platform, RUN.run_id, 700) == 1_200
    assert get_run(platform, RUN.run_id).params == {**RUN.params, PLANNED_ROWS: 1_200}
    with pytest.raises(RunError, match="no run 'nobody'"):
        plan_rows(platform, "nobody", 1)
