"""``Idempotency-Key``: a write that is sent again is answered again, and not done again.

After the IETF draft "The Idempotency-Key HTTP Header Field". Answers are kept in Redis for a day. A load test is started by
a row of PostgreSQL instead (``load_tests.request``), so it does not need Redis. The libraries for this are either not kept
any more or bound to another framework.
"""

import hashlib
from typing import Final

import orjson
import redis.asyncio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from patternalarm.api.problems import ProblemError, Unavailable, answer_of
from patternalarm.remedies import START_PLATFORM

HEADER: Final = "idempotency-key"

_KEPT_SECONDS: Final = 86_400
# A first attempt that died holds its key no longer than any request lasts.
_RUNNING_SECONDS: Final = 60
_RUNNING: Final = b"running"
_LONGEST: Final = 200
_REPLAYED_HEADERS: Final = ("content-type", "etag", "location")
# Answered by other means: see the module's docstring.
_EXEMPT: Final = ("/api/test/execute",)


class Idempotency:
    """Middleware for everything that is posted with the header."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer as its first sending was."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] in _EXEMPT:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        key = request.headers.get(HEADER)
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            if not 1 <= len(key) <= _LONGEST:
                raise ProblemError(
                    400, "bad idempotency key", f"it has 1 to {_LONGEST} characters", remedy="send a UUID"
                )
            body = await request.body()
            answer = await self._once(scope["app"].state.resources.redis, request, key, body)
        except ProblemError as problem:
            answer = answer_of(problem)
        await answer(scope, receive, send)

    async def _once(self, store: "redis.asyncio.Redis", request: Request, key: str, body: bytes) -> Response:
        name = f"idempotency:{_digest(_caller(request), key.encode())}"
        print_of_request = _digest(request.url.path.encode(), body)
        try:
            if not await store.set(name, _RUNNING, nx=True, ex=_RUNNING_SECONDS):
                return _replayed(await store.get(name), print_of_request)
            answer = await self._pass_on(request, body)
            if answer.status_code >= 500:
                await store.delete(name)
            else:
                kept = [print_of_request, answer.status_code, dict(answer.headers), bytes(answer.body).decode()]
                await store.set(name, orjson.dumps(kept), ex=_KEPT_SECONDS)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise Unavailable(
                "redis", "without it a repeated write cannot be told; nothing was written", START_PLATFORM
            ) from error
        return answer

    async def _pass_on(self, request: Request, body: bytes) -> Response:
        status, headers, content = 500, {}, b""

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers, content
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            else:
                content += message.get("body", b"")

        await self._app(request.scope, receive, send)
        return Response(content, status, {name: headers[name] for name in _REPLAYED_HEADERS if name in headers})


def _replayed(kept: bytes | None, print_of_request: str) -> Response:
    if kept is None or kept == _RUNNING:
        raise ProblemError(
            409,
            "request in progress",
            "a request with this Idempotency-Key is being worked on",
            remedy="send it again in a moment",
            headers={"Retry-After": "1"},
        )
    known, status, headers, content = orjson.loads(kept)
    if known != print_of_request:
        raise ProblemError(
            422,
            "idempotency key reused",
            "this Idempotency-Key was sent with another request",
            remedy="use another key for another request",
        )
    return Response(content, status, {**headers, "Idempotency-Replayed": "true"})


def _caller(request: Request) -> bytes:
    given = (request.headers.get(name, "") for name in ("authorization", "x-api-key", "cookie"))
    return "\0".join(given).encode()


def _digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
