"""Alerts as analysts read them: a page in an order of theirs, one with all that belongs to it, what changed since."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from pydantic import AwareDatetime, Field

from patternalarm.api.database import Pool
from patternalarm.api.models.alerts import Alert, AlertDetail, AlertEvent, AlertPage, CaseEvent, CaseState
from patternalarm.api.models.base import Name
from patternalarm.api.stores.places import Places
from patternalarm.api.stores.refusals import NotFoundError
from patternalarm.contracts.alerts import SEVERITY_RANK, Severity
from patternalarm.contracts.cases import CaseStatus
from patternalarm.contracts.pack_folder import pack_names
from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.contracts.tables import ALERT, ALERT_EVENT, CASE_EVENT, CASE_STATE, MODEL_VERSION

MOST_EVENTS: Final = 500
"""Rows of events that one alert is shown with."""


class AlertSort(StrEnum):
    """What alerts are ordered by."""

    DETECTED_AT = "detectedAt"
    SEVERITY = "severity"
    AMOUNT_AT_RISK = "amountAtRisk"
    SCORE = "score"


class Order(StrEnum):
    """Direction of an order."""

    ASCENDING = "asc"
    DESCENDING = "desc"


@dataclass(frozen=True)
class AlertFilter:
    """Which alerts are asked for; what is None does not matter.

    Attributes:
        scope: live, or a run_id.
        domain: domain pack.
        fraud_type: type of the alert.
        min_severity: this severity or a higher one.
        status: where its case stands.
        assignee: who works on it.
        subject_id: its subject.
        suppressed: whether an allow-list keeps it out of the queue.
        snoozed: whether it sleeps now.
        detected_from: detected then or later.
        detected_to: detected before then.
    """

    scope: str = LIVE_SCOPE
    domain: str | None = None
    fraud_type: str | None = None
    min_severity: Severity | None = None
    status: CaseStatus | None = None
    assignee: str | None = None
    subject_id: str | None = None
    suppressed: bool | None = None
    snoozed: bool | None = None
    detected_from: datetime | None = None
    detected_to: datetime | None = None


@dataclass(frozen=True)
class _Order:
    """An index's columns after the scope, how they are cast, and the values of a row in it."""

    columns: tuple[str, ...]
    casts: tuple[str, ...]
    places: Places

    def key_of(self, row: DictRow) -> tuple[Any, ...]:
        return tuple(row[f"key_{place}"] for place in range(len(self.columns)))


_Rank = Annotated[int, Field(ge=0, le=max(SEVERITY_RANK.values()))]
_Amount = Annotated[Decimal, Field(max_digits=38)]

_BY_DETECTION: Final = _Order(("a.detected_at", "a.alert_id"), ("timestamptz", "text"), Places(AwareDatetime, Name))

# A score is missing where a pattern alone raised the alert: it stands under every score, as the index has it.
_ORDERS: Final = {
    AlertSort.DETECTED_AT: _BY_DETECTION,
    AlertSort.SEVERITY: _Order(
        ("a.severity_rank", "a.detected_at", "a.alert_id"),
        ("smallint", "timestamptz", "text"),
        Places(_Rank, AwareDatetime, Name),
    ),
    AlertSort.AMOUNT_AT_RISK: _Order(("a.amount_at_risk", "a.alert_id"), ("numeric", "text"), Places(_Amount, Name)),
    AlertSort.SCORE: _Order(("coalesce(a.score, -1)", "a.alert_id"), ("double precision", "text"), Places(float, Name)),
}

_OF_ALERT: Final = tuple(name for name in Alert.model_fields if name != "case")
_OF_CASE: Final = tuple(CaseState.model_fields)


def alert_columns(alert: str, case: str) -> str:
    """Columns of an alert and its case, for a query that calls the tables so."""
    of_alert = ", ".join(f"{alert}.{name}" for name in _OF_ALERT)
    return f"{of_alert}, {', '.join(f'{case}.{name} AS case_{name}' for name in _OF_CASE)}"


_ONE: Final = f"""
SELECT {alert_columns("a", "c")}
FROM {ALERT} a LEFT JOIN {CASE_STATE} c USING (alert_id) WHERE a.alert_id = %s
"""
_EVENTS: Final = f"""
SELECT {", ".join(AlertEvent.model_fields)}, count(*) OVER () AS rows FROM {ALERT_EVENT} WHERE alert_id = %s
ORDER BY event_time, actor_id, event_id, source LIMIT {MOST_EVENTS}
"""
_HISTORY: Final = f"""
SELECT {", ".join(CaseEvent.model_fields)} FROM {CASE_EVENT} WHERE alert_id = %s ORDER BY version
"""
_DOMAINS: Final = f"SELECT DISTINCT domain FROM {MODEL_VERSION}"


class AlertStore:
    """Alerts in PostgreSQL, for reading.

    Args:
        pool: connections of a role that may read them.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(
        self, wanted: AlertFilter, sort: AlertSort, order: Order, size: int, cursor: str | None = None
    ) -> AlertPage:
        """At most ``size`` alerts that ``wanted`` asks for, from where ``cursor`` ended.

        Raises:
            CursorError: the cursor is none, or belongs to other filters or another order.
        """
        of = _ORDERS[sort]
        question = {**asdict(wanted), "sort": sort, "order": order}
        after = of.places.place_in(question, cursor) if cursor is not None else None
        query, parameters = _page_query(wanted, of, order, size + 1, after)
        async with self._pool.connection() as connection:
            rows = await _rows(connection, query, parameters)
        more = len(rows) > size
        return AlertPage(
            items=[alert_of(row) for row in rows[:size]],
            next=of.places.cursor_after(question, of.key_of(rows[size - 1])) if more else None,
        )

    async def one(self, alert_id: str) -> AlertDetail:
        """An alert with its events and the history of its case.

        Raises:
            NotFoundError: there is none of this id.
        """
        async with self._pool.connection() as connection:
            found = await _rows(connection, _ONE, [alert_id])
            if not found:
                raise NotFoundError(f"there is no alert {alert_id}")
            events = await _rows(connection, _EVENTS, [alert_id])
            history = await _rows(connection, _HISTORY, [alert_id])
        return AlertDetail.model_validate(
            {
                **_alert_fields(found[0]),
                "events": [AlertEvent.model_validate(row) for row in events],
                "events_left_off": events[0]["rows"] - len(events) if events else 0,
                "history": [CaseEvent.model_validate(row) for row in history],
            }
        )

    async def domains(self) -> list[str]:
        """The domains that alerts may be of: those that are shipped, and those that a model was trained for."""
        async with self._pool.connection() as connection:
            rows = await _rows(connection, _DOMAINS, [])
        return sorted({*pack_names(), *(row["domain"] for row in rows)})


def alert_of(row: DictRow) -> Alert:
    """The alert in a row of ``alert_columns``."""
    return Alert.model_validate(_alert_fields(row))


def _alert_fields(row: DictRow) -> dict[str, Any]:
    touched = row["case_version"] is not None
    case = CaseState.model_validate({name: row[f"case_{name}"] for name in _OF_CASE}) if touched else CaseState()
    return {**row, "case": case}


def _page_query(
    wanted: AlertFilter, of: _Order, order: Order, rows: int, after: tuple[Any, ...] | None
) -> tuple[str, list[Any]]:
    conditions, parameters, touched = _conditions(wanted)
    # Both tables have when an alert was detected: of cases that somebody touched, the cases' index knows the order.
    columns = [column.replace("a.", "c.") for column in of.columns] if touched and of is _BY_DETECTION else of.columns
    comparison, direction = (">", "ASC") if order is Order.ASCENDING else ("<", "DESC")
    if after is not None:
        places = ", ".join(f"%s::{cast_to}" for cast_to in of.casts)
        conditions.append(f"({', '.join(columns)}) {comparison} ({places})")
        parameters += after
    keys = ", ".join(f"{column} AS key_{place}" for place, column in enumerate(columns))
    # What people work on is little: found first and ordered then, where a walk in order would pass all other alerts.
    fence = "OFFSET 0" if wanted.status is CaseStatus.IN_REVIEW else ""
    ordered = ", ".join(f"key_{place} {direction}" for place in range(len(columns)))
    # The page first, and then the cases of its alerts: never the cases of all.
    query = f"""
WITH page AS MATERIALIZED (
  SELECT * FROM (
    SELECT a.*, {keys} FROM {ALERT} a{f" JOIN {CASE_STATE} c USING (alert_id)" if touched else ""}
    WHERE {" AND ".join(conditions)} {fence}
  ) found
  ORDER BY {ordered} LIMIT %s
)
SELECT {alert_columns("page", "s")}, {", ".join(f"key_{place}" for place in range(len(of.columns)))}
FROM page LEFT JOIN {CASE_STATE} s USING (alert_id)
ORDER BY {ordered}"""
    return query, [*parameters, rows]


def _conditions(wanted: AlertFilter) -> tuple[list[str], list[Any], bool]:
    """Conditions, their values, and whether they speak of cases that somebody touched."""
    asked: list[tuple[str, Any]] = [("a.scope = %s", wanted.scope)]
    touched = wanted.assignee is not None or wanted.status in (CaseStatus.IN_REVIEW, CaseStatus.CLOSED)
    for condition, value in (
        ("a.domain = %s", wanted.domain),
        ("a.fraud_type = %s", wanted.fraud_type),
        ("a.severity_rank >= %s", SEVERITY_RANK[wanted.min_severity] if wanted.min_severity else None),
        ("a.subject_id = %s", wanted.subject_id),
        ("a.detected_at >= %s", wanted.detected_from),
        ("a.detected_at < %s", wanted.detected_to),
        ("c.scope = %s", wanted.scope if touched else None),
        ("c.assignee = %s", wanted.assignee),
        ("c.status = %s", wanted.status if touched else None),
    ):
        if value is not None:
            asked.append((condition, value))
    conditions, parameters = [condition for condition, _ in asked], [value for _, value in asked]
    if wanted.status is CaseStatus.OPEN:
        conditions.append(
            f"NOT EXISTS (SELECT FROM {CASE_STATE} o WHERE o.alert_id = a.alert_id AND o.status <> '{CaseStatus.OPEN}')"
        )
    if wanted.suppressed is not None:
        conditions.append(f"a.suppressed_by IS {'NOT ' if wanted.suppressed else ''}NULL")
    if wanted.snoozed is not None:
        conditions.append(
            f"{'' if wanted.snoozed else 'NOT '}EXISTS (SELECT FROM {CASE_STATE} z WHERE z.alert_id = a.alert_id"
            " AND z.snoozed_until > now())"
        )
    return conditions, parameters, touched


async def _rows(connection: AsyncConnection[Any], query: str, parameters: Iterable[Any]) -> list[DictRow]:
    # Unprepared, so that each question is planned for its own values: a rare type is read another way than a common one.
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, list(parameters), prepare=False)
        return await cursor.fetchall()
