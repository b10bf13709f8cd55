"""What the API holds while it runs: connections to the stores and to Airflow, each of which may be away."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from patternalarm.api.airflow import AirflowClient
from patternalarm.api.database import Pool, database_pool
from patternalarm.api.load_tests.progress import ProgressHub
from patternalarm.api.prediction.served import ServedModels
from patternalarm.api.throttle import Throttle
from patternalarm.settings import Settings


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
async def resources_of(settings: Settings, limits: Mapping[str, str]) -> AsyncIterator[Resources]:
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
            throttle=Throttle(settings, limits),
        )
    finally:
        await airflow.close()
        await store.aclose()
        await database.close()
