"""Is the API alive, is what it needs, and what does it count?"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, cast

import psycopg
import redis
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ConfigDict, Field

from patternalarm.api.dependencies import Platform
from patternalarm.api.problems import ProblemError
from patternalarm.api.resources import Resources

router = APIRouter(prefix="/api", tags=["operation"])

_TIMEOUT_SECONDS: Final = 2.0


class Alive(BaseModel):
    """The API answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive"}]})

    status: str = "alive"


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


@router.get("/health", response_model=Alive)
async def health() -> Alive:
    """The process is alive; it says nothing of what it needs."""
    return Alive()


@router.get("/health/ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(platform: Platform, response: Response) -> Readiness:
    """Each dependency is asked; 503 as long as one of them cannot be used."""
    checks: dict[str, Callable[[Resources], Awaitable[Any]]] = {
        "postgres": _postgres,
        "redis": _redis,
        "kafka": _kafka,
        "airflow": _airflow,
    }
    found = await asyncio.gather(*(_checked(check, platform) for check in checks.values()))
    readiness = Readiness(ready=all(one.ready for one in found), dependencies=dict(zip(checks, found, strict=True)))
    response.status_code = 200 if readiness.ready else 503
    return readiness


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
async def metrics() -> Response:
    """Counts and durations in Prometheus' text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def _checked(check: Callable[[Resources], Awaitable[Any]], platform: Resources) -> Dependency:
    try:
        await asyncio.wait_for(check(platform), _TIMEOUT_SECONDS)
    except TimeoutError:
        return Dependency(ready=False, detail=f"no answer within {_TIMEOUT_SECONDS:g} s")
    except ProblemError as problem:
        return Dependency(ready=False, detail=problem.detail or problem.title)
    except (psycopg.Error, redis.RedisError, KafkaException) as error:
        # Hosts and users stand in the full text, and this call needs no key.
        return Dependency(ready=False, detail=type(error).__name__)
    return Dependency(ready=True)


async def _postgres(platform: Resources) -> None:
    async with platform.database.connection() as connection:
        await connection.execute("SELECT 1")


async def _redis(platform: Resources) -> None:
    await cast("Awaitable[bool]", platform.redis.ping())


async def _kafka(platform: Resources) -> None:
    def ask() -> None:
        client = AdminClient({"bootstrap.servers": platform.settings.kafka_bootstrap, "log_level": 0})
        client.list_topics(timeout=_TIMEOUT_SECONDS)

    await asyncio.to_thread(ask)


async def _airflow(platform: Resources) -> None:
    states = await platform.airflow.health()
    ill = [f"{name} is {state}" for name, state in states.items() if state != "healthy"]
    if ill:
        raise ProblemError(503, "Airflow is not healthy", ", ".join(ill), remedy="see make status")
