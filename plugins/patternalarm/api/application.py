"""The FastAPI application: routes, and what stands around all of them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

import psycopg
import redis
from asgi_correlation_id import CorrelationIdMiddleware
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from fastapi_offline import FastAPIOffline
from psycopg_pool import PoolTimeout
from starlette.middleware.sessions import SessionMiddleware

from patternalarm.api import problems
from patternalarm.api.body_limit import BodyLimit
from patternalarm.api.idempotency import Idempotency
from patternalarm.api.observe import Observe
from patternalarm.api.problems import ProblemError, Unavailable, answer_of
from patternalarm.api.resources import resources_of
from patternalarm.api.routes import (
    actors,
    alert_stream,
    alerts,
    allow_lists,
    catalogue,
    health,
    load_tests,
    prediction,
    sessions,
)
from patternalarm.api.throttle import LIMITS
from patternalarm.passing_errors import passes_by_itself
from patternalarm.remedies import START_PLATFORM
from patternalarm.settings import Settings

SESSION_COOKIE: Final = "patternalarm_session"
_SESSION_SECONDS: Final = 8 * 3600

_DESCRIPTION: Final = """
Start a graded load test and follow it to its verdict, score feature vectors, work on alerts and cases.

From this machine no key is needed. From elsewhere send `Authorization: Bearer <key>`; `make api-key ROLE=analyst DAYS=30`
makes one. Errors are `application/problem+json` (RFC 9457), each with a `remedy` and the `requestId` of the log.
"""


def create_app(settings: Settings, limits: Mapping[str, str] = LIMITS) -> FastAPI:
    """The application for one set of settings; what it connects to is opened when it starts.

    Args:
        settings: where everything is.
        limits: how often a caller may call, by kind of call (``throttle``).
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with resources_of(settings, limits) as resources:
            app.state.resources = resources
            yield

    app: FastAPI = FastAPIOffline(
        title="PatternAlarm",
        version=version("patternalarm"),
        description=_DESCRIPTION,
        lifespan=lifespan,
        responses=problems.RESPONSES,
    )
    for router in (load_tests, alert_stream, alerts, actors, allow_lists, prediction, catalogue, sessions, health):
        app.include_router(router.router)
    app.add_api_route("/", _to_docs, include_in_schema=False)
    problems.install(app)
    app.add_exception_handler(psycopg.Error, _on_database_error)
    app.add_exception_handler(redis.RedisError, _on_redis_error)
    # The last one added is the outermost.
    app.add_middleware(Idempotency)
    app.add_middleware(
        SessionMiddleware,
        secret_key=settings.session_password,
        session_cookie=SESSION_COOKIE,
        max_age=_SESSION_SECONDS,
        same_site="strict",
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(Observe)
    app.add_middleware(CorrelationIdMiddleware, validator=None, generator=_request_id, transformer=_shortened)
    return app


def _request_id() -> str:
    from uuid import uuid4

    return uuid4().hex


def _shortened(given: str) -> str:
    # A caller's own id is taken over, and may not forge lines of the log.
    return "".join(c for c in given if c.isalnum() or c in "-_.")[:64]


async def _to_docs() -> RedirectResponse:
    return RedirectResponse("/docs")


async def _on_database_error(_: Request, error: Exception) -> Response:
    if isinstance(error, PoolTimeout) or passes_by_itself(error):
        return answer_of(Unavailable("postgres", "PostgreSQL does not answer", START_PLATFORM))
    if isinstance(error, psycopg.DataError):
        # A text with a NUL, a number that no column holds.
        return answer_of(
            ProblemError(
                422, "invalid request", str(error.diag.message_primary or error), remedy="see the schema in /docs"
            )
        )
    raise error


async def _on_redis_error(_: Request, error: Exception) -> Response:
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return answer_of(Unavailable("redis", "Redis does not answer", START_PLATFORM))
    raise error
