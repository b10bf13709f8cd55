"""What the API holds while it runs: connections to the stores and to Airflow, each of which may be away."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import redis.asyncio

from patternalarm.api.airflow import AirflowClient
from patternalarm.api.database import Pool, database_pool
from patternalarm.api.load_tests.progress import ProgressHub
from patternalarm.api.prediction.served import ServedModels
from patternalarm.api.readiness import ReadinessProbe
from patternalarm.api.stores.bell import ChangeBell
from patternalarm.api.throttle import Throttle
from patternalarm.redis_client import async_redis_client
from patternalarm.settings import Settings


@dataclass(frozen=True)
class Resources:
    """Everything that routes work with."""

    settings: Settings
    database: Pool
    redis: "redis.asyncio.Redis"
    airflow: AirflowClient
    models: ServedModels
    progress: ProgressHub
    bell: ChangeBell
    readiness: ReadinessProbe
    throttle: Throttle


@asynccontextmanager
async def resources_of(settings: Settings, limits: Mapping[str, str]) -> AsyncIterator[Resources]:
    """Resources for as long as the API runs; what they connect to may come and go meanwhile."""
    database, store = database_pool(settings), async_redis_client(settings)
    await database.open(wait=False)
    airflow, bell = AirflowClient(settings), ChangeBell(database)
    readiness = ReadinessProbe(settings, database, store, airflow)
    try:
        yield Resources(
            settings=settings,
            database=database,
            redis=store,
            airflow=airflow,
            models=ServedModels(settings),
            progress=ProgressHub(airflow, database),
            bell=bell,
            readiness=readiness,
            throttle=Throttle(settings, limits),
        )
    finally:
        readiness.close()
        await bell.close()
        await airflow.close()
        await store.aclose()
        await database.close()
