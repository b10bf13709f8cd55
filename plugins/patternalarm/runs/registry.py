"""Runs and leases in ``platform.run`` and ``platform.lease``.

Every function works on the caller's connection and leaves the commit to the caller. The clock of leases is the
database's, so that no two machines disagree about which is live.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from patternalarm.contracts.runs import PLANNED_ROWS, RunKind, check_run_id
from patternalarm.contracts.tables import LEASE, RUN

# A lease outlives what keeps its run from being heard of: PostgreSQL away as long as it is waited for, a machine that is
# busy. Whoever works for the run renews it long before.
LEASE_DURATION: Final = timedelta(minutes=15)
LEASE_RENEWED_EVERY: Final = timedelta(minutes=1)


class RunError(LookupError):
    """No such run, or not one that this may be done with."""


class RunClosedError(RunError):
    """The run is closed, or is being closed: nothing may be started for it any more."""


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


@dataclass(frozen=True)
class OpenRun:
    """A run that is not closed: it has not ended, or its lease is not released.

    Attributes:
        run_id: the run.
        domain: its domain.
        dag_id: the DAG that opened it.
        airflow_run_id: Airflow's id of the DAG run.
        keep_topics: whether its topics were asked to be left to their retention.
        live: whether its lease is neither released nor expired.
        closing: whether its lease was released not long ago, and so somebody may be closing it.
    """

    run_id: str
    domain: str
    dag_id: str
    airflow_run_id: str
    keep_topics: bool
    live: bool
    closing: bool


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
ON CONFLICT (run_id) DO UPDATE SET expires_at = greatest(l.expires_at, excluded.expires_at) WHERE l.released_at IS NULL
RETURNING {_LEASE_COLUMNS}
"""

_RENEW: Final = f"""
UPDATE {LEASE} SET expires_at = greatest(expires_at, clock_timestamp() + %s) WHERE run_id = %s AND released_at IS NULL
"""

_RENEW_ALL: Final = f"""
UPDATE {LEASE} SET expires_at = greatest(expires_at, clock_timestamp() + %s)
WHERE released_at IS NULL AND run_id IN (SELECT run_id FROM {RUN} WHERE dag_id = %s AND airflow_run_id = %s)
"""

_RELEASE: Final = f"""
UPDATE {LEASE} SET released_at = clock_timestamp() WHERE run_id = %s AND released_at IS NULL
"""

_RELEASE_UNLESS_LIVE: Final = f"""
UPDATE {LEASE} SET released_at = coalesce(released_at, clock_timestamp())
WHERE run_id = %s AND (released_at IS NOT NULL OR expires_at <= clock_timestamp())
"""

_OPEN_RUNS: Final = f"""
SELECT run_id, domain, dag_id, airflow_run_id, coalesce((params ->> 'keep_topics')::boolean, false) AS keep_topics,
    coalesce(released_at IS NULL AND expires_at > clock_timestamp(), false) AS live,
    coalesce(released_at > clock_timestamp() - %s, false) AS closing
FROM {RUN} LEFT JOIN {LEASE} USING (run_id)
WHERE state = 'running' OR (acquired_at IS NOT NULL AND released_at IS NULL) ORDER BY requested_at, run_id
"""

_KEEP_TOPICS: Final = f"SELECT run_id FROM {RUN} WHERE run_id = ANY(%s) AND (params ->> 'keep_topics')::boolean"

# Any number that nobody else takes; it is held while a run is looked at for room and recorded.
_OPENING_LOCK: Final = 7_201_900_213


def open_run(connection: psycopg.Connection[Any], run: Run) -> Run:
    """Record ``run`` as running and return its row; opening the same run again (a repeated task) changes nothing.

    Raises:
        ValueError: its run_id cannot be part of a topic's name.
        RunError: another Airflow run took that run_id.
        RunClosedError: the run has ended.
    """
    check_run_id(run.run_id)
    columns = {name: getattr(run, name) for name in (column.strip() for column in _RUN_COLUMNS.split(","))}
    connection.execute(_OPEN, {**columns, "params": Jsonb(run.params)})
    stored = get_run(connection, run.run_id)
    if (stored.dag_id, stored.airflow_run_id) != (run.dag_id, run.airflow_run_id):
        raise RunError(
            f"run_id {run.run_id} belongs to {stored.dag_id} run {stored.airflow_run_id}; start again for a new run_id"
        )
    if stored.state is not RunState.RUNNING:
        raise closed(run.run_id)
    return stored


def closed(run_id: str) -> RunClosedError:
    """What to say to whoever wants to go on with a closed run."""
    return RunClosedError(f"run {run_id} is closed, and what it ran on is gone: trigger the DAG again for a new run")


def alone_to_open(connection: psycopg.Connection[Any]) -> None:
    """Wait until nobody else is opening a run, and keep others from it until the transaction ends."""
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (_OPENING_LOCK,))


def open_runs(connection: psycopg.Connection[Any]) -> list[OpenRun]:
    """Every run that is not closed, the oldest first."""
    with connection.cursor(row_factory=class_row(OpenRun)) as cursor:
        return cursor.execute(_OPEN_RUNS, (LEASE_DURATION,)).fetchall()


def with_kept_topics(connection: psycopg.Connection[Any], run_ids: Iterable[str]) -> set[str]:
    """Those of ``run_ids`` whose topics were asked to be left to their retention."""
    return {run_id for (run_id,) in connection.execute(_KEEP_TOPICS, (list(run_ids),)).fetchall()}


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
        RunClosedError: the lease was released.
    """
    if duration <= timedelta(0):
        raise ValueError(f"a lease of {duration} is none")
    get_run(connection, run_id)
    with connection.cursor(row_factory=class_row(Lease)) as cursor:
        lease = cursor.execute(_ACQUIRE, (run_id, duration)).fetchone()
    if lease is None:
        raise closed(run_id)
    return lease


def renew_lease(connection: psycopg.Connection[Any], run_id: str, duration: timedelta = LEASE_DURATION) -> None:
    """Let the run's lease live for ``duration`` from now at least.

    Raises:
        RunClosedError: it was released, or there is none.
    """
    if connection.execute(_RENEW, (duration, run_id)).rowcount == 0:
        raise closed(run_id)


def renew_leases(
    connection: psycopg.Connection[Any], dag_id: str, airflow_run_id: str, duration: timedelta = LEASE_DURATION
) -> int:
    """Let every lease that an Airflow run holds live for ``duration`` from now at least; how many those are."""
    return connection.execute(_RENEW_ALL, (duration, dag_id, airflow_run_id)).rowcount


def release_lease(connection: psycopg.Connection[Any], run_id: str) -> bool:
    """Give the run's lease back; True if it was held. Without one nothing happens, so teardown may call it twice.

    From here on nothing is started for the run, so who closes one begins with this.
    """
    return connection.execute(_RELEASE, (run_id,)).rowcount > 0


def release_lease_unless_live(connection: psycopg.Connection[Any], run_id: str) -> bool:
    """Take the run's lease away if it has expired; False when it was renewed meanwhile, and so the run goes on."""
    return connection.execute(_RELEASE_UNLESS_LIVE, (run_id,)).rowcount > 0
