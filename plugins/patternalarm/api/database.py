"""Connections of the API to the platform's database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from patternalarm.contracts.tables import API_ROLE
from patternalarm.postgres import dsn_of
from patternalarm.settings import Settings

_WAIT_SECONDS: Final = 2.0
# The pool waits longer from failure to failure, so it gives up soon, and the next request begins anew.
_RECONNECT_SECONDS: Final = 3.0
_QUERY_SECONDS: Final = 5
_USED_SECONDS: Final = _QUERY_SECONDS + 1.0
_MOST_CONNECTIONS: Final = 10


class Pool(AsyncConnectionPool[AsyncConnection[Any]]):
    """Connections that are used for a while, and not for as long as PostgreSQL hangs: its own time-outs hang with it."""

    @asynccontextmanager
    async def connection(self, timeout: float | None = None) -> AsyncIterator[AsyncConnection[Any]]:  # noqa: ASYNC109
        """A connection, for ``_USED_SECONDS`` at most.

        Raises:
            PoolTimeout: PostgreSQL is away, or does not answer.
        """
        try:
            async with asyncio.timeout(_USED_SECONDS), super().connection(timeout) as connection:
                yield connection
        except TimeoutError as error:
            raise PoolTimeout("PostgreSQL does not answer") from error


def database_pool(settings: Settings, role: str = API_ROLE) -> Pool:
    """Connections of ``role`` to the platform's database; not opened yet."""
    return Pool(
        dsn_of(settings, role),
        min_size=1,
        max_size=_MOST_CONNECTIONS,
        timeout=_WAIT_SECONDS,
        reconnect_timeout=_RECONNECT_SECONDS,
        check=Pool.check_connection,
        kwargs={
            "autocommit": True,
            "application_name": "api",
            "connect_timeout": 3,
            "options": f"-c statement_timeout={_QUERY_SECONDS}s",
        },
        open=False,
    )
