"""Allow-lists: whose alerts stay out of the queue, by the word of two people."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, Final

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import DictRow, dict_row
from pydantic import Field

from patternalarm.api.database import Pool
from patternalarm.api.models.allow_lists import AllowListEntry, AllowListPage
from patternalarm.api.stores.places import Places
from patternalarm.api.stores.refusals import NotFoundError, refusal_in
from patternalarm.contracts.alerts import SubjectType
from patternalarm.contracts.cases import EntryDecision, EntryState
from patternalarm.contracts.tables import ALERT, ALLOW_LIST, ALLOW_LIST_DECISION, ALLOW_LIST_ENTRY

_SELECT: Final = f"""
SELECT l.allow_list_entry_id AS entry_id, l.*,
  (SELECT count(*) FROM {ALERT} a WHERE a.suppressed_by = l.allow_list_entry_id) AS suppressed_alerts
FROM {ALLOW_LIST} l
"""
_PROPOSE: Final = f"""
INSERT INTO {ALLOW_LIST_ENTRY} (domain, subject_type, subject_id, fraud_type, reason, expires_at, proposed_by)
VALUES (%s, %s, %s, %s, %s, %s, %s) RETURNING allow_list_entry_id
"""
_DECIDE: Final = f"""
INSERT INTO {ALLOW_LIST_DECISION} (allow_list_entry_id, decision, note, decided_by) VALUES (%s, %s, %s, %s)
"""
_PLACES: Final = Places(Annotated[int, Field(ge=0, lt=2**63)])


@dataclass(frozen=True)
class EntryFilter:
    """Which entries are asked for; what is None does not matter."""

    state: EntryState | None = None
    domain: str | None = None
    subject_id: str | None = None


class AllowListStore:
    """Allow-lists in PostgreSQL.

    Args:
        pool: connections of a role that may write entries and decisions.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def page(self, wanted: EntryFilter, size: int, cursor: str | None = None) -> AllowListPage:
        """At most ``size`` entries, newest first, from where ``cursor`` ended.

        Raises:
            CursorError: the cursor is none, or belongs to other filters.
        """
        question = {"of": "allow-lists", **asdict(wanted)}
        asked = {f"l.{name} = %s": value for name, value in asdict(wanted).items() if value is not None}
        if cursor is not None:
            (asked["l.allow_list_entry_id < %s"],) = _PLACES.place_in(question, cursor)
        where = f"WHERE {' AND '.join(asked)}" if asked else ""
        query = f"{_SELECT} {where} ORDER BY l.allow_list_entry_id DESC LIMIT %s"
        async with self._pool.connection() as connection:
            rows = await _rows(connection, query, [*asked.values(), size + 1])
        items = [AllowListEntry.model_validate(row) for row in rows[:size]]
        return AllowListPage(
            items=items, next=_PLACES.cursor_after(question, (items[-1].entry_id,)) if len(rows) > size else None
        )

    async def one(self, entry_id: int) -> AllowListEntry:
        """An entry.

        Raises:
            NotFoundError: there is none of this id.
        """
        async with self._pool.connection() as connection:
            rows = await _rows(connection, f"{_SELECT} WHERE l.allow_list_entry_id = %s", [entry_id])
        if not rows:
            raise NotFoundError(f"there is no entry {entry_id} in an allow-list")
        return AllowListEntry.model_validate(rows[0])

    async def propose(
        self,
        domain: str,
        subject_type: SubjectType,
        subject_id: str,
        fraud_type: str | None,
        reason: str,
        expires_at: datetime,
        by: str,
    ) -> AllowListEntry:
        """A new entry, which waits for a second person.

        Raises:
            RefusedError: it ends too early or too late.
        """
        values = (domain, subject_type, subject_id, fraud_type, reason, expires_at, by)
        async with self._pool.connection() as connection:
            try:
                (row,) = await _rows(connection, _PROPOSE, values)
            except psycopg.Error as error:
                raise refusal_in(error) or error from error
        return await self.one(row["allow_list_entry_id"])

    async def decide(self, entry_id: int, decision: EntryDecision, by: str, note: str | None = None) -> AllowListEntry:
        """Approve or revoke an entry.

        Raises:
            NotFoundError: there is none of this id.
            RefusedError: ``by`` proposed what is to be approved, or the entry is past that.
        """
        async with self._pool.connection() as connection:
            try:
                await connection.execute(_DECIDE, (entry_id, decision, note, by))
            except psycopg.errors.ForeignKeyViolation as error:
                raise NotFoundError(f"there is no entry {entry_id} in an allow-list") from error
            except psycopg.Error as error:
                raise refusal_in(error) or error from error
        return await self.one(entry_id)


async def _rows(connection: AsyncConnection[Any], query: str, values: Any) -> list[DictRow]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(query, values)
        return await cursor.fetchall()
