"""Connections of the API to the platform's database."""

from typing import Any, Final

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from patternalarm.contracts.tables import API_ROLE
from patternalarm.postgres import dsn_of
from patternalarm.settings import Settings

Pool = AsyncConnectionPool[AsyncConnection[Any]]

_WAIT_SECONDS: Final = 2.0
# The pool waits longer from failure to failure, so it gives up soon, and the next request begins anew.
_RECONNECT_SECONDS: Final = 3.0
_QUERY_SECONDS: Final = 10
_MOST_CONNECTIONS: Final = 10


def database_pool(settings: Settings, role: str = API_ROLE) -> Pool:
    """Connections of ``role`` to the platform's database; not opened yet."""
    return AsyncConnectionPool(
        dsn_of(settings, role),
        min_size=1,
        max_size=_MOST_CONNECTIONS,
        timeout=_WAIT_SECONDS,
        reconnect_timeout=_RECONNECT_SECONDS,
        check=AsyncConnectionPool.check_connection,
        kwargs={
            "autocommit": True,
            "application_name": "api",
            "connect_timeout": 3,
            "options": f"-c statement_timeout={_QUERY_SECONDS}s",
        },
        open=False,
    )
