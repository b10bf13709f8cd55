"""What changed since: alerts that were raised or rose, and cases that somebody worked on, for streams."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg import AsyncCursor
from psycopg.rows import DictRow, dict_row
from pydantic import AwareDatetime

from patternalarm.api.database import Pool
from patternalarm.api.models.alerts import Alert
from patternalarm.api.models.base import Name
from patternalarm.api.stores.alerts import alert_columns, alert_of
from patternalarm.api.stores.places import Places
from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.contracts.tables import ALERT, CASE_STATE

# Changes bear the clock of their statement and become visible at their commit: for this long after its time, a change may
# still appear behind others. Transactions of the writer and of cases take milliseconds.
_SETTLED_AFTER: Final = timedelta(seconds=5)

# When an alert changed, and which.
_Place = tuple[datetime, str]

_PLACES: Final = Places(AwareDatetime, Name)

_CHANGED: Final = f"""
SELECT alert_id, changed_at FROM (
  (SELECT alert_id, updated_at AS changed_at FROM {ALERT}
   WHERE scope = %(scope)s AND (updated_at, alert_id) > (%(at)s, %(alert_id)s)
     AND updated_at <= coalesce(%(until)s::timestamptz, 'infinity')
   ORDER BY updated_at, alert_id LIMIT %(most)s)
  UNION ALL
  (SELECT alert_id, updated_at FROM {CASE_STATE}
   WHERE scope = %(scope)s AND (updated_at, alert_id) > (%(at)s, %(alert_id)s)
     AND updated_at <= coalesce(%(until)s::timestamptz, 'infinity')
   ORDER BY updated_at, alert_id LIMIT %(most)s)
) changed ORDER BY 2, 1 LIMIT %(most)s
"""
_TOLD: Final = f"""
SELECT {alert_columns("a", "c")} FROM {ALERT} a LEFT JOIN {CASE_STATE} c USING (alert_id) WHERE a.alert_id = ANY(%s)
"""


@dataclass(frozen=True)
class Change:
    """An alert as it is now; ``cursor`` resumes a stream after it."""

    alert: Alert
    cursor: str


class ChangeFeed:
    """Changes of one scope since a cursor, or since now, each told at least once.

    A stream that is resumed with a cursor is told the changes of the last five seconds before it again: among them may be
    one that became visible late.

    Args:
        pool: connections of a role that may read alerts and cases.
        scope: live, or a run_id.
        cursor: of the last change that was heard; None begins now.

    Raises:
        CursorError: the cursor is none, or that of another scope's stream.
    """

    def __init__(self, pool: Pool, scope: str = LIVE_SCOPE, cursor: str | None = None) -> None:
        self._pool, self._scope = pool, scope
        self._question = {"of": "changes", "scope": scope}
        self._position: _Place | None = None
        self._told: set[_Place] = set()
        if cursor is not None:
            at, alert_id = _PLACES.place_in(self._question, cursor)
            self._position = (at, alert_id)

    async def next(self, most: int = 100) -> list[Change]:
        """The next changes, oldest first; none when it is quiet.

        At most ``most`` of them, and those that became visible late.
        """
        async with self._pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
            if self._position is None:
                # Whoever begins now is not told what was before.
                await cursor.execute("SELECT clock_timestamp() AS now")
                self._position = ((await cursor.fetchall())[0]["now"], "")
                self._told = set(await self._changed(cursor, self._settled, self._position[0]))
                return []
            late = await self._changed(cursor, self._settled, self._position[0])
            new = await self._changed(cursor, self._position, None, most)
            unheard = sorted({*late, *new} - self._told)
            # An alert that changed more than once is told once, as it is now.
            places = sorted({alert_id: (at, alert_id) for at, alert_id in unheard}.values())
            await cursor.execute(_TOLD, [[alert_id for _, alert_id in places]])
            alerts = {row["alert_id"]: alert_of(row) for row in await cursor.fetchall()}
        changes = []
        for place in places:
            self._position = max(self._position, place)
            changes.append(Change(alerts[place[1]], self._cursor_at(self._position)))
        self._told = {place for place in (*self._told, *unheard) if place > self._settled}
        return changes

    @property
    def _settled(self) -> _Place:
        """What lies before it is told for good."""
        assert self._position is not None  # noqa: S101 - asked for once it is known
        return (self._position[0] - _SETTLED_AFTER, "")

    async def _changed(
        self, cursor: AsyncCursor[DictRow], after: _Place, until: datetime | None, most: int | None = None
    ) -> list[_Place]:
        values = {"scope": self._scope, "at": after[0], "alert_id": after[1], "until": until, "most": most}
        await cursor.execute(_CHANGED, values, prepare=False)
        return [(row["changed_at"], row["alert_id"]) for row in await cursor.fetchall()]

    def _cursor_at(self, place: _Place) -> str:
        return _PLACES.cursor_after(self._question, place)
