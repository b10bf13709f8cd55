"""Clients of Redis: made here alone. Each asks once and tells of a failure at once; whoever waits it out uses ``retrying``."""

from typing import Any, Final
from urllib.parse import quote

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.retry import Retry

from patternalarm.settings import Settings

_TIMEOUT_SECONDS: Final = 10.0
_ASYNC_TIMEOUT_SECONDS: Final = 2.0


def redis_client(settings: Settings, timeout_seconds: float = _TIMEOUT_SECONDS) -> redis.Redis:
    """A client, which connects when it is first asked; values are bytes.

    Args:
        settings: where Redis is, and its password.
        timeout_seconds: how long to wait for a connection, and for an answer.
    """
    return redis.Redis(**_options(settings, timeout_seconds), retry=Retry(NoBackoff(), 0))


def async_redis_client(settings: Settings, timeout_seconds: float = _ASYNC_TIMEOUT_SECONDS) -> redis.asyncio.Redis:
    """The same for asyncio; one client serves all requests of a loop."""
    return redis.asyncio.Redis(**_options(settings, timeout_seconds), retry=AsyncRetry(NoBackoff(), 0))


def async_redis_url(settings: Settings) -> str:
    """Redis' address with its password, as the library ``limits`` wants it."""
    login = f":{quote(settings.redis_password, safe='')}@" if settings.redis_password else ""
    return f"async+redis://{login}{settings.address('redis')}"


def _options(settings: Settings, timeout_seconds: float) -> dict[str, Any]:
    host, port = settings.address("redis")
    return {
        "host": host,
        "port": port,
        "password": settings.redis_password or None,
        "socket_timeout": timeout_seconds,
        "socket_connect_timeout": timeout_seconds,
    }
