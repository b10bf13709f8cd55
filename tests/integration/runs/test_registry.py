from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from patternalarm.contracts.runs import PLANNED_ROWS, RunKind
from patternalarm.runs import registry
from patternalarm.runs.registry import (
    OpenRun,
    Run,
    RunClosedError,
    RunError,
    RunState,
    acquire_lease,
    alone_to_open,
    finish_run,
    get_run,
    open_run,
    open_runs,
    plan_rows,
    release_lease,
    release_lease_unless_live,
    renew_lease,
    renew_leases,
    runs_of_airflow_run,
    set_measured_window,
    with_kept_topics,
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


def test_an_ended_run_is_not_opened_again(platform):
    open_run(platform, RUN)
    finish_run(platform, RUN.run_id, RunState.FAILED, "was cleared")
    with pytest.raises(RunClosedError, match=r"load-test-toll-1 is closed.*trigger the DAG again"):
        open_run(platform, RUN)


def test_a_lease_is_live_until_it_is_released_for_good(platform):
    open_run(platform, RUN)
    lease = acquire_lease(platform, RUN.run_id, timedelta(minutes=5))
    assert lease.expires_at > lease.acquired_at + timedelta(minutes=4)
    assert [(one.run_id, one.live, one.closing) for one in open_runs(platform)] == [(RUN.run_id, True, False)]
    assert release_lease(platform, RUN.run_id)
    assert not release_lease(platform, RUN.run_id)
    # It has not ended, so somebody has to see to it.
    assert [(one.run_id, one.live, one.closing) for one in open_runs(platform)] == [(RUN.run_id, False, True)]
    for again in (acquire_lease, renew_lease):
        with pytest.raises(RunClosedError, match="load-test-toll-1 is closed"):
            again(platform, RUN.run_id, timedelta(minutes=5))
    finish_run(platform, RUN.run_id, RunState.PASSED)
    assert open_runs(platform) == []


def test_a_run_with_a_verdict_is_open_as_long_as_its_lease_is_held(platform):
    open_run(platform, replace(RUN, params={"keep_topics": True}))
    acquire_lease(platform, RUN.run_id, timedelta(minutes=5))
    finish_run(platform, RUN.run_id, RunState.PASSED)
    expected = OpenRun(
        RUN.run_id, RUN.domain, RUN.dag_id, RUN.airflow_run_id, keep_topics=True, live=True, closing=False
    )
    assert open_runs(platform) == [expected]


def test_an_expired_lease_is_not_live_until_it_is_renewed(platform):
    open_run(platform, RUN)
    acquire_lease(platform, RUN.run_id, timedelta(microseconds=1))
    assert not open_runs(platform)[0].live
    renew_lease(platform, RUN.run_id)
    assert open_runs(platform)[0].live
    assert not release_lease_unless_live(platform, RUN.run_id)


def test_an_expired_lease_is_taken_once(platform):
    open_run(platform, RUN)
    acquire_lease(platform, RUN.run_id, timedelta(microseconds=1))
    assert release_lease_unless_live(platform, RUN.run_id)
    with pytest.raises(RunClosedError):
        renew_lease(platform, RUN.run_id)
    # Whoever began to close it may not have come to an end.
    assert release_lease_unless_live(platform, RUN.run_id)


def test_a_closing_that_takes_too_long_is_none(platform, monkeypatch):
    open_run(platform, RUN)
    acquire_lease(platform, RUN.run_id, timedelta(minutes=5))
    release_lease(platform, RUN.run_id)
    assert open_runs(platform)[0].closing
    monkeypatch.setattr(registry, "LEASE_DURATION", timedelta())
    assert not open_runs(platform)[0].closing


def test_a_renewal_never_shortens_a_lease(platform):
    open_run(platform, RUN)
    until = acquire_lease(platform, RUN.run_id, timedelta(hours=5)).expires_at
    renew_lease(platform, RUN.run_id)
    assert acquire_lease(platform, RUN.run_id, timedelta(minutes=1)).expires_at == until


def test_an_airflow_run_renews_the_leases_that_it_holds_and_no_others(platform):
    rail = replace(RUN, run_id="load-test-rail-1", domain="rail")
    closed = replace(RUN, run_id="load-test-sea-1", domain="sea")
    foreign = replace(RUN, run_id="load-test-toll-2", airflow_run_id="manual__2")
    for run in (RUN, rail, closed, foreign):
        open_run(platform, run)
        acquire_lease(platform, run.run_id, timedelta(microseconds=1))
    release_lease(platform, closed.run_id)
    assert renew_leases(platform, RUN.dag_id, RUN.airflow_run_id) == 2
    assert {run.run_id for run in open_runs(platform) if run.live} == {RUN.run_id, rail.run_id}


def test_two_that_open_at_once_come_one_after_the_other(platform):
    alone_to_open(platform)
    with psycopg.connect(platform.info.dsn, password=platform.info.password) as second:
        second.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            alone_to_open(second)


def test_whose_topics_are_kept_is_known_after_their_end(platform):
    keeps = replace(RUN, run_id="load-test-rail-1", params={"keep_topics": True})
    for run in (RUN, keeps):
        open_run(platform, run)
        finish_run(platform, run.run_id, RunState.PASSED)
    assert with_kept_topics(platform, [RUN.run_id, keeps.run_id, "unknown"]) == {keeps.run_id}


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
