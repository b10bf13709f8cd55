"""What a page of a million alerts takes: every order and the filters that analysts use, first page and deep page.

Needs PostgreSQL as the integration tests do; the alerts are generated in a database of its own.
"""

import asyncio
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from analysts import open_pool
from migrated_database import migrated_database, superuser_dsn

from patternalarm.api.models.alerts import AlertPage
from patternalarm.api.stores.alerts import AlertFilter, AlertSort, AlertStore, Order
from patternalarm.contracts.alerts import Severity
from patternalarm.contracts.cases import CaseStatus
from patternalarm.contracts.tables import ALERT, CASE_EVENT
from patternalarm.settings import Settings

ALERTS = 1_000_000
PAGES = 100
PAGE_SIZE = 50
P99_MS = 100.0

# Of five months; one of ten is raised by a pattern alone, 1 % is critical, 0.01 % of a rare type, 1 % of another run, and
# iot has no money.
_GENERATE = f"""
SELECT setseed(0.5);
INSERT INTO {ALERT} (alert_id, scope, domain, subject_type, subject_id, fraud_type, episode, severity, severity_rank, score,
    reasons, first_event_time, last_event_time, trigger_event_time, first_source, detected_at, updated_at, event_count,
    amount_at_risk, currency, model_version, pack_version)
SELECT md5(n::text), CASE WHEN n % 100 = 7 THEN 'run-1' ELSE 'live' END, domain, 'actor', 'acct-' || n % 200000,
    CASE WHEN type < 0.0001 THEN 'rare_type' ELSE 'type_' || floor(type * 12) END, n,
    (ARRAY['low', 'medium', 'high', 'critical'])[1 + rank], rank, score,
    jsonb_build_array(jsonb_build_object('code', 'amount_ratio', 'text', 'the amount is 9.1 times this account''s usual amount',
        'contribution', 0.2, 'source', 'score')),
    at, at, at, 'score', at, at, 3, CASE WHEN domain = 'iot' THEN 0 ELSE amount END, 'EUR', 'm-1', '1'
FROM (
    SELECT n, '2026-07-01T00:00:00Z'::timestamptz + n * interval '13 seconds' AS at, random() AS type,
        (ARRAY['payments', 'gaming', 'iot'])[1 + floor(random() * 3)::int] AS domain,
        width_bucket(random(), ARRAY[0.3, 0.7, 0.99]::float[]) AS rank,
        CASE WHEN random() > 0.1 THEN round(random()::numeric, 3) END AS score,
        CASE WHEN random() > 0.3 THEN round((random() * 10000)::numeric, 2) ELSE 0 END AS amount
    FROM generate_series(1, {ALERTS}) n
) alerts
"""
# Half of the older half is closed, 0.2 % is worked on by five people.
_WORK = f"""
INSERT INTO {CASE_EVENT} (alert_id, version, action, assignee, disposition, note, written_by)
SELECT md5(n::text), 1, CASE WHEN n % 500 = 1 THEN 'assign' ELSE 'disposition' END,
    CASE WHEN n % 500 = 1 THEN 'analyst-' || n / 500 % 5 END, CASE WHEN n % 500 <> 1 THEN 'false_positive' END, 'seen', 'kim'
FROM generate_series(1, {ALERTS}) n WHERE n % 500 = 1 OR (n < {ALERTS // 2} AND n % 2 = 0)
"""

FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "the queue": {"status": CaseStatus.OPEN, "suppressed": False, "snoozed": False},
    "critical": {"min_severity": Severity.CRITICAL},
    "a domain's queue": {"domain": "iot", "status": CaseStatus.OPEN, "suppressed": False},
    "a type": {"fraud_type": "type_3"},
    "a rare type": {"fraud_type": "rare_type"},
    "one analyst's": {"assignee": "analyst-3"},
    "in review": {"status": CaseStatus.IN_REVIEW},
    "closed": {"status": CaseStatus.CLOSED},
    "a subject": {"subject_id": "acct-4711"},
    "one day": {"detected_from": datetime.fromisoformat("2026-10-01T00:00:00Z"),
                "detected_to": datetime.fromisoformat("2026-10-02T00:00:00Z")},
    "suppressed": {"suppressed": True},
}  # fmt: skip


def say(line: str) -> None:
    """A figure for whoever asked for the benchmark."""
    sys.stdout.write(f"{line}\n")


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """Settings with a database of a million alerts."""
    with migrated_database("bench") as own:
        with psycopg.connect(superuser_dsn(), dbname=own.database, autocommit=True) as superuser:
            superuser.execute(_GENERATE)
            superuser.execute(_WORK)
            superuser.execute("VACUUM ANALYZE")
        yield own


async def deep_cursor(store: AlertStore, wanted: AlertFilter, sort: AlertSort, order: Order) -> str | None:
    """A cursor some thousand alerts on; None where there are not as many."""
    cursor = None
    for _ in range(25):
        page = await store.page(wanted, sort, order, 200, cursor)
        if page.next is None:
            return None
        cursor = page.next
    return cursor


def cpu_ms(processes: list[psutil.Process]) -> float:
    """CPU time of some processes so far."""
    return 1000 * sum(times.user + times.system for times in (process.cpu_times() for process in processes))


async def timed(
    store: AlertStore, wanted: AlertFilter, sort: AlertSort, order: Order, cursor: str | None, server: psutil.Process
) -> tuple[float, float]:
    """Milliseconds that a page takes with the making of its JSON: p99 by the clock, and the mean of the CPU's."""
    took, both = [], [server, psutil.Process()]
    spent = cpu_ms(both)
    for _ in range(PAGES):
        began = time.perf_counter()
        page: AlertPage = await store.page(wanted, sort, order, PAGE_SIZE, cursor)
        page.model_dump_json(by_alias=True)
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)[int(len(took) * 0.99) - 1], (cpu_ms(both) - spent) / PAGES


def test_a_page_of_a_million_alerts(settings: Settings) -> None:
    async def measure() -> dict[str, float]:
        found = {}
        async with open_pool(settings, connections=1) as pool:
            store = AlertStore(pool)
            async with pool.connection() as connection:
                server = psutil.Process(connection.info.backend_pid)
            for name, asked in FILTERS.items():
                for sort in AlertSort:
                    for order in Order:
                        wanted = AlertFilter(**asked)
                        deep = await deep_cursor(store, wanted, sort, order)
                        for place, cursor in {"first": None, "deep": deep}.items():
                            if place == "first" or cursor:
                                p99, cpu = await timed(store, wanted, sort, order, cursor, server)
                                found[f"{name}, by {sort} {order}, {place} page"] = p99
                                say(
                                    f"{name:17} {sort:13} {order:5} {place:6} p99 {p99:7.1f} ms, CPU {cpu:6.2f} ms a page"
                                )
        return found

    found = asyncio.run(measure())
    assert {name: ms for name, ms in found.items() if ms > P99_MS} == {}
