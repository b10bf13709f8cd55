"""Runs and leases in ``platform.run`` and ``platform.lease``.

Every function works on the caller's connection and leaves the commit to the caller. The clock of leases is the
database's, so that no two machines disagree about which is live.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, cast

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from patternalarm.contracts.runs import PLANNED_ROWS, RunKind, check_run_id
from patternalarm.contracts.tables import LEASE, RUN


class RunError(LookupError):
    """No such run, or not one that this may be done with."""


class RunState(StrEnum):
    """State of a run: ``missed`` finished under a threshold, ``failed`` did not finish."""

    RUNNING = "running"
    PASSED = "passed"
    MISSED = "missed"
    FAILED = "failed"


@dataclass(frozen=True)
class Run:
    """One row of ``platform.run``. ``measured_from`` and ``measured_until`` bound the scheduled event times that are
    scored and graded; ``reason`` says why it missed or failed; ``dag_version`` is Airflow's id of the DAG's version, the
    same for all runs of unchanged code."""

    run_id: str
    kind: RunKind
    domain: str
    dag_id: str
    airflow_run_id: str
    pack_version: str
    feature_set: str
    pattern_set: str
    requested_at: datetime
    level: str | None = None
    seed: int | None = None
    minutes: float | None = None
    dag_version: str | None = None
    model_version: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    state: RunState = RunState.RUNNING
    reason: str | None = None
    measured_from: datetime | None = None
    measured_until: datetime | None = None
    ended_at: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", RunKind(self.kind))
        object.__setattr__(self, "state", RunState(self.state))


@dataclass(frozen=True)
class Lease:
    """One row of ``platform.lease``: while it is live, the run's engines may run."""

    run_id: str
    acquired_at: datetime
    expires_at: datetime
    released_at: datetime | None


_RUN_COLUMNS: Final = (
    "run_id, kind, domain, dag_id, airflow_run_id, pack_version, feature_set, pattern_set, requested_at, level, seed, "
    "minutes, dag_version, model_version, params, state, reason, measured_from, measured_until, ended_at"
)
_LEASE_COLUMNS: Final = "run_id, acquired_at, expires_at, released_at"

_OPEN: Final = f"""
INSERT INTO {RUN} ({_RUN_COLUMNS})
VALUES ({", ".join(f"%({name.strip()})s" for name in _RUN_COLUMNS.split(","))})
ON CONFLICT (run_id) DO NOTHING
"""

_GET: Final = f"SELECT {_RUN_COLUMNS} FROM {RUN} WHERE run_id = %s"

_OF_AIRFLOW_RUN: Final = f"""
SELECT {_RUN_COLUMNS} FROM {RUN} WHERE dag_id = %s AND airflow_run_id = %s ORDER BY domain
"""

_MEASURE: Final = f"UPDATE {RUN} SET measured_from = %s, measured_until = %s WHERE run_id = %s"

_PLAN: Final = f"""
UPDATE {RUN} SET params = params || jsonb_build_object(%s::text, %s::bigint) WHERE run_id = %s AND NOT params ? %s
"""

_FINISH: Final = f"""
UPDATE {RUN} SET state = %s, reason = %s, ended_at = clock_timestamp() WHERE run_id = %s AND state = 'running'
"""

_ACQUIRE: Final = f"""
INSERT INTO {LEASE} AS l (run_id, acquired_at, expires_at) VALUES (%s, clock_timestamp(), clock_timestamp() + %s)
ON CONFLICT (run_id) DO UPDATE SET expires_at = excluded.expires_at, released_at = NULL
RETURNING {_LEASE_COLUMNS}
"""

_RELEASE: Final = f"""
UPDATE {LEASE} SET released_at = clock_timestamp() WHERE run_id = %s AND released_at IS NULL
"""

_LIVE: Final = f"""
SELECT {_LEASE_COLUMNS} FROM {LEASE}
WHERE released_at IS NULL AND expires_at > clock_timestamp() ORDER BY acquired_at
"""


def open_run(connection: psycopg.Connection[Any], run: Run) -> Run:
    """Record ``run`` as running and return its row; opening the same run again (a retried task) changes nothing.

    Raises:
        ValueError: its run_id cannot be part of a topic's name.
        RunError: another Airflow run took that run_id.
    """
    check_run_id(run.run_id)
    columns = {name: getattr(run, name) for name in (column.strip() for column in _RUN_COLUMNS.split(","))}
    connection.execute(_OPEN, {**columns, "params": Jsonb(run.params)})
    stored = get_run(connection, run.run_id)
    if (stored.dag_id, stored.airflow_run_id) != (run.dag_id, run.airflow_run_id):
        raise RunError(
            f"run_id {run.run_id} belongs to {stored.dag_id} run {stored.airflow_run_id}; start again for a new run_id"
        )
    return stored


def get_run(connection: psycopg.Connection[Any], run_id: str) -> Run:
    """One run.

    Raises:
        RunError: there is none of that name.
    """
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        run = cursor.execute(_GET, (run_id,)).fetchone()
    if run is None:
        raise RunError(f"no run {run_id!r} in {RUN}; check the id, or start it with its DAG")
    return run


def runs_of_airflow_run(connection: psycopg.Connection[Any], dag_id: str, airflow_run_id: str) -> list[Run]:
    """Runs that an Airflow run opened, by domain; none when it ended before."""
    with connection.cursor(row_factory=class_row(Run)) as cursor:
        return cursor.execute(_OF_AIRFLOW_RUN, (dag_id, airflow_run_id)).fetchall()


def set_measured_window(
    connection: psycopg.Connection[Any], run_id: str, measured_from: datetime, measured_until: datetime
) -> None:
    """Record which scheduled event times of the run are scored and graded, both ends included.

    Raises:
        RunError: there is no such run.
        ValueError: the window ends before it starts.
    """
    if measured_until < measured_from:
        raise ValueError(f"measured window of {run_id} ends at {measured_until}, before it starts at {measured_from}")
    if connection.execute(_MEASURE, (measured_from, measured_until, run_id)).rowcount == 0:
        get_run(connection, run_id)


def plan_rows(connection: psycopg.Connection[Any], run_id: str, rows: int) -> int:
    """Record how many rows of its file a replay will publish, unless it was told before; the number that stands.

    Raises:
        RunError: there is no such run.
    """
    connection.execute(_PLAN, (PLANNED_ROWS, rows, run_id, PLANNED_ROWS))
    return int(get_run(connection, run_id).params[PLANNED_ROWS])


def finish_run(connection: psycopg.Connection[Any], run_id: str, state: RunState, reason: str | None = None) -> bool:
    """End a running run with ``state``; True if this call ended it, False if it had ended before: the first word stays.

    Raises:
        ValueError: ``state`` is running.
        RunError: there is no such run.
    """
    if state is RunState.RUNNING:
        raise ValueError("a run cannot finish as running")
    if connection.execute(_FINISH, (state.value, reason, run_id)).rowcount:
        return True
    get_run(connection, run_id)
    return False


def acquire_lease(connection: psycopg.Connection[Any], run_id: str, duration: timedelta) -> Lease:
    """Take the run's lease, or extend it: it is live for ``duration`` from now.

    Raises:
        ValueError: ``duration`` is not positive.
        RunError: there is no such run; open it first.
    """
    if duration <= timedelta(0):
        raise ValueError(f"a lease of {duration} is none")
    get_run(connection, run_id)
    with connection.cursor(row_factory=class_row(Lease)) as cursor:
        return cast("Lease", cursor.execute(_ACQUIRE, (run_id, duration)).fetchone())


def release_lease(connection: psycopg.Connection[Any], run_id: str) -> bool:
    """Give the run's lease back; True if it was held. Without one nothing happens, so teardown may call it twice."""
    return connection.execute(_RELEASE, (run_id,)).rowcount > 0


def live_leases(connection: psycopg.Connection[Any]) -> list[Lease]:
    """Leases neither released nor expired, oldest first."""
    with connection.cursor(row_factory=class_row(Lease)) as cursor:
        return cursor.execute(_LIVE).fetchall()
