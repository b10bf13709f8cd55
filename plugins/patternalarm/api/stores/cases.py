"""Cases: what analysts do with alerts, each step on the version that they saw."""

from datetime import datetime
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from patternalarm.api.database import Pool
from patternalarm.api.models.alerts import CaseState
from patternalarm.api.stores.refusals import NotFoundError, RefusedError, StaleVersionError, refusal_in
from patternalarm.contracts.cases import CaseAction, Disposition
from patternalarm.contracts.refusals import Refusal
from patternalarm.contracts.tables import ALERT, CASE_EVENT, CASE_STATE

_ACT: Final = f"""
INSERT INTO {CASE_EVENT} (alert_id, version, action, assignee, disposition, snoozed_until, note, written_by)
VALUES (%(alert_id)s, %(version)s, %(action)s, %(assignee)s, %(disposition)s, %(snoozed_until)s, %(note)s, %(by)s)
RETURNING version, status, assignee, disposition, snoozed_until, written_at AS updated_at
"""
_VERSION: Final = f"""
SELECT coalesce(c.version, 0) AS version FROM {ALERT} a LEFT JOIN {CASE_STATE} c USING (alert_id) WHERE a.alert_id = %s
"""


class CaseStore:
    """Cases in PostgreSQL.

    Args:
        pool: connections of a role that may write case events.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def act(
        self,
        alert_id: str,
        seen: int,
        action: CaseAction,
        by: str,
        *,
        note: str | None = None,
        assignee: str | None = None,
        disposition: Disposition | None = None,
        snoozed_until: datetime | None = None,
    ) -> CaseState:
        """Write what ``by`` did to a case that was at version ``seen``, and return where it stands now.

        Raises:
            NotFoundError: there is no such alert.
            StaleVersionError: the case is at another version; nothing was written.
            RefusedError: it cannot be done to a case that is where this one is, or lacks a value.
        """
        values: dict[str, Any] = {
            "alert_id": alert_id,
            "version": seen + 1,
            "action": action,
            "by": by,
            "note": note,
            "assignee": assignee,
            "disposition": disposition,
            "snoozed_until": snoozed_until,
        }
        async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            try:
                async with connection.transaction():
                    await cursor.execute(_ACT, values)
                    (row,) = await cursor.fetchall()
                return CaseState.model_validate(row)
            except psycopg.errors.ForeignKeyViolation as error:
                raise NotFoundError(f"there is no alert {alert_id}") from error
            except psycopg.errors.UniqueViolation as error:
                refused: psycopg.Error | RefusedError = error
            except psycopg.Error as error:
                refusal = refusal_in(error)
                if refusal is None:
                    raise
                if refusal.refusal is not Refusal.STALE_VERSION:
                    raise refusal from error
                refused = refusal
            await cursor.execute(_VERSION, [alert_id])
            found = await cursor.fetchall()
        if not found:
            raise NotFoundError(f"there is no alert {alert_id}") from refused
        raise StaleVersionError(found[0]["version"]) from refused
