"""``Idempotency-Key``: a write that is sent again is answered again, and not done again.

After the IETF draft "The Idempotency-Key HTTP Header Field". Answers that a write was done are kept in Redis for a day, by
caller; a refusal is not, for the next attempt may be let in. A load test is started by a row of PostgreSQL instead
(``load_tests.request``), so it does not need Redis. The libraries for this are either not kept any more or bound to another
framework.
"""

import hashlib
import logging
from typing import Any, Final

import orjson
import redis
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from patternalarm.api.access.caller import caller_of
from patternalarm.api.problems import ProblemError, Unavailable, answer_of
from patternalarm.remedies import START_PLATFORM

HEADER: Final = "idempotency-key"

logger = logging.getLogger(__name__)

_KEPT_SECONDS: Final = 86_400
# A first attempt that died holds its key no longer than any request lasts.
_RUNNING_SECONDS: Final = 60
_RUNNING: Final = b"running"
_LONGEST: Final = 200
_KEPT_HEADERS: Final = ("content-type", "etag", "location")
# What a write depends on beside its body.
_TOLD_APART_BY: Final = ("content-type", "if-match")
# A load test is told apart by PostgreSQL, and a session's cookie is nothing to keep.
_EXEMPT: Final = ("/api/test/execute", "/api/session")

_AWAY: Final = (redis.ConnectionError, redis.TimeoutError)


class Idempotency:
    """Middleware for everything that is posted with the header; within that of sessions, for it asks who calls."""

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
            caller = await caller_of(request, scope["app"].state.resources)
            name = f"idempotency:{_digest(caller.key_id.encode(), key.encode())}"
            earlier = await self._claim(request, name, _print(request, body))
        except ProblemError as problem:
            await answer_of(problem)(scope, receive, send)
            return
        if earlier is not None:
            await earlier(scope, receive, send)
            return
        await self._pass_on(request, name, body, send)

    async def _claim(self, request: Request, name: str, print_of_request: str) -> Response | None:
        """The answer that was given before; None for who comes first, whose the key is now."""
        store = request.app.state.resources.redis
        try:
            if await store.set(name, _RUNNING, nx=True, ex=_RUNNING_SECONDS):
                return None
            return _replayed(await store.get(name), print_of_request)
        except _AWAY as error:
            raise Unavailable(
                "redis", "without it a repeated write cannot be told; nothing was written", START_PLATFORM
            ) from error

    async def _pass_on(self, request: Request, name: str, body: bytes, send: Send) -> None:
        status, headers, content = 500, {}, b""

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def noting(message: Message) -> None:
            nonlocal status, headers, content
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            else:
                content += message.get("body", b"")
            await send(message)

        try:
            await self._app(request.scope, receive, noting)
        finally:
            kept = {one: headers[one] for one in _KEPT_HEADERS if one in headers}
            answer = [_print(request, body), status, kept, content.decode()]
            await _keep(request.app.state.resources.redis, name, answer if 200 <= status < 300 else None)


async def _keep(store: Any, name: str, answer: list[Any] | None) -> None:
    try:
        if answer is None:
            await store.delete(name)
        else:
            await store.set(name, orjson.dumps(answer), ex=_KEPT_SECONDS)
    except _AWAY:
        # What was done is done, and was told.
        logger.warning("Redis went away: an answer could not be kept for its Idempotency-Key")


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


def _print(request: Request, body: bytes) -> str:
    told_apart = (request.headers.get(name, "") for name in _TOLD_APART_BY)
    return _digest(request.url.path.encode(), request.url.query.encode(), *(text.encode() for text in told_apart), body)


def _digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big") + part)
    return total.hexdigest()
