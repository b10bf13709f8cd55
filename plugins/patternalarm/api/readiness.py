"""Whether what the API needs can be used, asked of all of it at once and once a second at most, whoever asks how often."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Annotated, Any, Final, cast

import psycopg
import redis
import redis.asyncio
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from pydantic import BaseModel, ConfigDict, Field

from patternalarm.api.airflow import AirflowClient
from patternalarm.api.database import Pool
from patternalarm.api.problems import ProblemError
from patternalarm.settings import Settings

_TIMEOUT_SECONDS: Final = 2.0
_FRESH_SECONDS: Final = 1.0


class Dependency(BaseModel):
    """Whether a part that the API needs can be used, and if not, why."""

    ready: bool
    detail: str | None = None


class Readiness(BaseModel):
    """What can be used."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "ready": False,
                    "dependencies": {
                        "postgres": {"ready": True, "detail": None},
                        "redis": {"ready": False, "detail": "ConnectionError"},
                        "kafka": {"ready": True, "detail": None},
                        "airflow": {"ready": True, "detail": None},
                    },
                }
            ]
        }
    )

    ready: bool
    dependencies: Annotated[dict[str, Dependency], Field(description="postgres, redis, kafka, airflow")]


class ReadinessProbe:
    """Asks all dependencies.

    Args:
        settings: where Kafka is.
        database: the platform's.
        store: Redis.
        airflow: Airflow.
    """

    def __init__(
        self, settings: Settings, database: Pool, store: "redis.asyncio.Redis", airflow: AirflowClient
    ) -> None:
        self._settings, self._database, self._store, self._airflow = settings, database, store, airflow
        # Kafka's client blocks: with a broker that hangs it must not hold the threads that others work in.
        self._threads = ThreadPoolExecutor(1, "readiness")
        self._asked: asyncio.Task[Readiness] | None = None
        self._answered_at = 0.0

    async def now(self) -> Readiness:
        """What can be used, as it was a second ago at the earliest."""
        fresh = time.monotonic() - self._answered_at < _FRESH_SECONDS
        if self._asked is None or (self._asked.done() and not fresh):
            self._asked = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asked)

    def close(self) -> None:
        """Let its thread end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _ask(self) -> Readiness:
        checks: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "postgres": self._ask_postgres,
            "redis": self._ask_redis,
            "kafka": self._ask_kafka,
            "airflow": self._ask_airflow,
        }
        found = await asyncio.gather(*(_checked(check) for check in checks.values()))
        self._answered_at = time.monotonic()
        return Readiness(ready=all(one.ready for one in found), dependencies=dict(zip(checks, found, strict=True)))

    async def _ask_postgres(self) -> None:
        async with self._database.connection() as connection:
            await connection.execute("SELECT 1")

    async def _ask_redis(self) -> None:
        await cast("Awaitable[bool]", self._store.ping())

    async def _ask_kafka(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, lambda: self._kafka.list_topics(timeout=_TIMEOUT_SECONDS))

    @cached_property
    def _kafka(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self._settings.kafka_bootstrap, "log_level": 0})

    async def _ask_airflow(self) -> None:
        states = await self._airflow.health()
        ill = [f"{name} is {state}" for name, state in states.items() if state != "healthy"]
        if ill:
            raise ProblemError(503, "Airflow is not healthy", ", ".join(ill), remedy="see make status")


async def _checked(check: Callable[[], Coroutine[Any, Any, None]]) -> Dependency:
    asking = asyncio.create_task(check())
    # Not wait_for: it waits until the cancelled one has ended, which takes as long as the hanging server pleases.
    done, _ = await asyncio.wait({asking}, timeout=_TIMEOUT_SECONDS)
    if not done:
        asking.cancel()
        return Dependency(ready=False, detail=f"no answer within {_TIMEOUT_SECONDS:g} s")
    try:
        asking.result()
    except ProblemError as problem:
        return Dependency(ready=False, detail=problem.detail or problem.title)
    except (psycopg.Error, redis.RedisError, KafkaException) as error:
        # Hosts and users stand in the full text, and this call needs no key.
        return Dependency(ready=False, detail=type(error).__name__)
    return Dependency(ready=True)
