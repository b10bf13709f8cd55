"""Rings when an alert or a case has changed: one question to PostgreSQL twice a second, however many streams listen."""

import asyncio
from contextlib import suppress
from datetime import datetime
from typing import Final

import psycopg

from patternalarm.api.database import Pool
from patternalarm.contracts.tables import ALERT, CASE_STATE

_ASKED_EVERY_SECONDS: Final = 0.5

_NEWEST: Final = f"""
SELECT greatest((SELECT max(updated_at) FROM {ALERT}), (SELECT max(updated_at) FROM {CASE_STATE}))
"""


class ChangeBell:
    """Wakes streams. It asks only while somebody listens.

    Args:
        pool: connections of a role that may read alerts and cases.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rung = asyncio.Event()
        self._listeners = 0
        self._task: asyncio.Task[None] | None = None

    def next_ring(self) -> asyncio.Event:
        """The ring of the next change from now on."""
        return self._rung

    async def wait(self, ring: asyncio.Event, seconds: float) -> None:
        """Wait for a ring that was taken before, for ``seconds`` at most."""
        self._listeners += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(ring.wait(), seconds)
        finally:
            self._listeners -= 1

    async def close(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _watch(self) -> None:
        heard: datetime | None = None
        idle = 0
        while idle < 2:
            idle = 0 if self._listeners else idle + 1
            # While PostgreSQL is away nothing changes that anybody could be told.
            with suppress(psycopg.OperationalError):
                newest = await self._newest()
                if newest != heard:
                    heard, rung, self._rung = newest, self._rung, asyncio.Event()
                    rung.set()
            await asyncio.sleep(_ASKED_EVERY_SECONDS)

    async def _newest(self) -> datetime | None:
        async with self._pool.connection() as connection:
            row = await (await connection.execute(_NEWEST)).fetchone()
        return row[0] if row else None
