"""Who waits renews the leases of the task's Airflow run, seldom, and is not disturbed by a database that is away."""

from types import SimpleNamespace

import psycopg
import pytest

from patternalarm.hooks.platform_database import PlatformDatabaseError
from patternalarm.triggers import lease_renewal
from patternalarm.triggers.lease_renewal import LeaseRenewal

TASK = SimpleNamespace(dag_id="run_load_test", run_id="manual__1")


@pytest.fixture
def renewed(monkeypatch):
    """Which Airflow runs' leases were renewed when; an error in place of a time is raised once."""
    state = SimpleNamespace(now=100.0, calls=[], errors=[])

    class Database:
        def write(self, what, work):
            if state.errors:
                raise state.errors.pop()
            return work(None)

    monkeypatch.setattr(lease_renewal.time, "monotonic", lambda: state.now)
    monkeypatch.setattr(lease_renewal, "PlatformDatabaseHook", Database)
    monkeypatch.setattr(
        lease_renewal.runs,
        "renew_leases",
        lambda _, dag_id, airflow_run_id: state.calls.append((dag_id, airflow_run_id, state.now)),
    )
    return state


def looks(lease, state, *seconds):
    for now in seconds:
        state.now = now
        if lease.is_due:
            lease.renew()


def test_once_a_minute_at_most(renewed):
    looks(LeaseRenewal(TASK), renewed, 100, 101, 159, 160, 161)
    assert renewed.calls == [("run_load_test", "manual__1", 100), ("run_load_test", "manual__1", 160)]


@pytest.mark.parametrize("error", [PlatformDatabaseError("away"), psycopg.errors.AdminShutdown("going down")])
def test_a_database_that_is_away_is_asked_again(renewed, error):
    renewed.errors = [error]
    looks(LeaseRenewal(TASK), renewed, 100, 105, 110)
    assert [now for *_, now in renewed.calls] == [110]


def test_outside_of_a_task_there_is_nothing_to_renew(renewed):
    looks(LeaseRenewal(None), renewed, 100, 200)
    assert renewed.calls == []
