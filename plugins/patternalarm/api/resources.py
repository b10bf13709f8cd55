"""What the API holds while it runs: connections to the stores and to Airflow, each of which may be away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import redis.asyncio
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from patternalarm.api.airflow import AirflowClient
from patternalarm.api.load_tests.progress import ProgressHub
from patternalarm.api.prediction.served import ServedModels
from patternalarm.api.throttle import Throttle
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


def redis_client(settings: Settings) -> "redis.asyncio.Redis":
    """A client of the platform's Redis, which connects when it is used and does not wait for a server that is away."""
    address = settings.address("redis")
    return redis.asyncio.Redis(
        host=address.host,
        port=address.port,
        password=settings.redis_password or None,
        socket_timeout=1.0,
        socket_connect_timeout=1.0,
        # One more try at once, for a connection that a restarted server closed.
        retry=Retry(NoBackoff(), 1),
    )


@dataclass(frozen=True)
class Resources:
    """Everything that routes work with."""

    settings: Settings
    database: Pool
    redis: "redis.asyncio.Redis"
    airflow: AirflowClient
    models: ServedModels
    progress: ProgressHub
    throttle: Throttle


@asynccontextmanager
async def resources_of(settings: Settings) -> AsyncIterator[Resources]:
    """Resources for as long as the API runs; what they connect to may come and go meanwhile."""
    database, store = database_pool(settings), redis_client(settings)
    await database.open(wait=False)
    airflow = AirflowClient(settings)
    try:
        yield Resources(
            settings=settings,
            database=database,
            redis=store,
            airflow=airflow,
            models=ServedModels(settings),
            progress=ProgressHub(airflow, database),
            throttle=Throttle(settings),
        )
    finally:
        await airflow.close()
        await store.aclose()
        await database.close()
