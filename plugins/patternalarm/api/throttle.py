"""How often somebody may call, counted in Redis for all of the API's processes, and here while Redis is away."""

import time
from collections.abc import Mapping
from typing import Final

from fastapi import Request
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError

from patternalarm.api.access.roles import Principal
from patternalarm.api.problems import ProblemError
from patternalarm.redis_client import async_redis_url
from patternalarm.settings import Settings

TRIGGER: Final = "trigger"
PREDICT: Final = "predict"
WRITE: Final = "write"
READ: Final = "read"
FAILURE: Final = "failure"

# Per caller. A load test holds the machine for minutes; an analyst writes by hand, and a page reads a lot at once; wrong keys
# are counted by where they come from.
LIMITS: Final[Mapping[str, str]] = {
    TRIGGER: "20/minute",
    PREDICT: "1000/second",
    WRITE: "600/minute",
    READ: "200/second",
    FAILURE: "10/minute",
}

# While Redis hangs, each call would wait for it anew.
_AVOID_SECONDS: Final = 2.0
_READING: Final = ("GET", "HEAD", "OPTIONS")


class Throttle:
    """Counts calls and refuses those over the limit.

    Args:
        settings: where Redis is.
        limits: by kind of call, in the words of the library ``limits``.
    """

    def __init__(self, settings: Settings, limits: Mapping[str, str]) -> None:
        self._limits: dict[str, RateLimitItem] = {kind: parse(text) for kind, text in limits.items()}
        # One request over a dead connection must not cost the next ones a second each.
        shared = RedisStorage(
            async_redis_url(settings),
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix="throttle",
            socket_timeout=0.5,
            socket_connect_timeout=0.5,
        )
        self._shared = FixedWindowRateLimiter(shared)
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._avoid_until = 0.0

    async def count(self, principal: Principal, request: Request) -> None:
        """Count this call.

        Raises:
            ProblemError: 429, with the seconds until the next may come.
        """
        kind = _kind_of(request)
        who = principal.key_id or principal.name
        if not await self._hit(kind, who):
            raise self._too_often(kind, f"{principal.name} calls more often than {self._limits[kind]}")

    async def count_failure(self, peer: str) -> None:
        """Count a wrong key.

        Raises:
            ProblemError: 429, too many came from ``peer``.
        """
        if not await self._hit(FAILURE, peer):
            raise self._too_often(FAILURE, f"more wrong keys came from {peer} than {self._limits[FAILURE]}")

    async def _hit(self, kind: str, who: str) -> bool:
        item = self._limits[kind]
        if time.monotonic() >= self._avoid_until:
            try:
                return await self._shared.hit(item, kind, who)
            except StorageError:
                self._avoid_until = time.monotonic() + _AVOID_SECONDS
        return await self._own.hit(item, kind, who)

    def _too_often(self, kind: str, detail: str) -> ProblemError:
        seconds = self._limits[kind].get_expiry()
        return ProblemError(
            429,
            "too many requests",
            detail,
            remedy=f"wait {seconds} s, or send several rows or filters in one request",
            headers={"Retry-After": str(seconds)},
        )


def _kind_of(request: Request) -> str:
    path = request.url.path
    if path.endswith("/test/execute"):
        return TRIGGER
    if path.endswith("/predict"):
        return PREDICT
    return READ if request.method in _READING else WRITE
