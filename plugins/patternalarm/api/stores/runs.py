"""Runs as the API sees them: those that it was asked for, and those that were opened."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.errors import UniqueViolation
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from patternalarm.api.database import Pool
from patternalarm.contracts.tables import RUN, RUN_LEDGER, RUN_METRIC, RUN_REQUEST


@dataclass(frozen=True)
class RunRequest:
    """A row of ``platform.run_request``."""

    run_id: str
    domain: str
    dag_id: str
    airflow_run_id: str
    params: dict[str, Any]
    requested_by: str
    requested_at: datetime
    idempotency_key: str | None = None


@dataclass(frozen=True)
class KnownRun:
    """A run, whether it was only asked for or opened; ``state`` is None before it was opened."""

    run_id: str
    domain: str
    dag_id: str
    airflow_run_id: str
    requested_by: str | None
    requested_at: datetime
    state: str | None
    reason: str | None
    measured_from: datetime | None
    measured_until: datetime | None
    ended_at: datetime | None


_COLUMNS: Final = "run_id, domain, dag_id, airflow_run_id, params, requested_by, requested_at, idempotency_key"

_INSERT: Final = f"INSERT INTO {RUN_REQUEST} ({_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
_SAME: Final = f"SELECT {_COLUMNS} FROM {RUN_REQUEST} WHERE requested_by = %s AND idempotency_key = %s"
_WITHDRAW: Final = f"DELETE FROM {RUN_REQUEST} WHERE run_id = %s"
_STOP: Final = f"UPDATE {RUN_REQUEST} SET stopped_by = %s, stopped_at = clock_timestamp() WHERE run_id = %s"
_KNOWN: Final = f"""
SELECT run_id, coalesce(r.domain, q.domain) AS domain, coalesce(r.dag_id, q.dag_id) AS dag_id,
  coalesce(r.airflow_run_id, q.airflow_run_id) AS airflow_run_id, q.requested_by,
  coalesce(q.requested_at, r.requested_at) AS requested_at, r.state, r.reason, r.measured_from, r.measured_until, r.ended_at
FROM (SELECT * FROM {RUN_REQUEST} WHERE run_id = %(run_id)s) q
FULL JOIN (SELECT * FROM {RUN} WHERE run_id = %(run_id)s) r USING (run_id)
"""
_LIST: Final = f"""
SELECT r.run_id, r.kind, r.domain, r.level, r.seed, r.minutes, r.state, r.reason, r.model_version, r.requested_at,
  r.measured_from, r.measured_until, r.ended_at, l.generated, l.scored, l.lost, l.duplicated, l.closed AS ledger_closed,
  (SELECT jsonb_object_agg(m.metric, m.value) FROM {RUN_METRIC} m WHERE m.run_id = r.run_id AND m.fraud_type = 'all')
    AS metrics
FROM {RUN} r LEFT JOIN {RUN_LEDGER} l USING (run_id)
WHERE (%(domain)s::text IS NULL OR r.domain = %(domain)s) AND (%(state)s::text IS NULL OR r.state = %(state)s)
  AND (%(before)s::timestamptz IS NULL OR (r.requested_at, r.run_id) < (%(before)s, %(before_id)s))
ORDER BY r.requested_at DESC, r.run_id DESC LIMIT %(limit)s
"""


async def record_request(pool: Pool, request: RunRequest) -> RunRequest:
    """Record a request before it is carried out; the one that stands: an earlier one of the same idempotency key wins."""
    values = (
        request.run_id,
        request.domain,
        request.dag_id,
        request.airflow_run_id,
        Jsonb(request.params),
        request.requested_by,
        request.requested_at,
        request.idempotency_key,
    )
    async with pool.connection() as connection:
        try:
            await connection.execute(_INSERT, values)
            return request
        except UniqueViolation:
            async with connection.cursor(row_factory=class_row(RunRequest)) as cursor:
                await cursor.execute(_SAME, (request.requested_by, request.idempotency_key))
                earlier = await cursor.fetchone()
            if earlier is None:
                raise
            return earlier


async def withdraw_request(pool: Pool, run_id: str) -> None:
    """Forget a request that Airflow refused."""
    async with pool.connection() as connection:
        await connection.execute(_WITHDRAW, (run_id,))


async def note_stop(pool: Pool, run_id: str, stopped_by: str) -> None:
    """Record who stopped a run that the API had started."""
    async with pool.connection() as connection:
        await connection.execute(_STOP, (stopped_by, run_id))


async def known_run(pool: Pool, run_id: str) -> KnownRun | None:
    """One run; None when nobody ever asked for it."""
    async with pool.connection() as connection, connection.cursor(row_factory=class_row(KnownRun)) as cursor:
        await cursor.execute(_KNOWN, {"run_id": run_id})
        return await cursor.fetchone()


async def list_runs(
    pool: Pool, domain: str | None, state: str | None, before: tuple[datetime, str] | None, limit: int
) -> list[dict[str, Any]]:
    """Opened runs with their ledgers and figures over all fraud types, the newest first."""
    parameters = {
        "domain": domain,
        "state": state,
        "before": before[0] if before else None,
        "before_id": before[1] if before else None,
        "limit": limit,
    }
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_LIST, parameters)
        return await cursor.fetchall()
