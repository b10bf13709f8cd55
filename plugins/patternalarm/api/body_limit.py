"""Requests whose bodies are too large are refused before they are read."""

from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from patternalarm.api.problems import answer_of, problem_of

# A thousand rows of a hundred features in full precision.
MOST_BYTES: Final = 2 * 2**20


class _TooLargeError(HTTPException):
    """An exception of the framework's own, since it takes every other one for a body that cannot be parsed."""

    def __init__(self) -> None:
        super().__init__(413, f"a request's body has {MOST_BYTES:,} bytes at most", {"Connection": "close"})


class BodyLimit:
    """Middleware that answers 413 to a body of more than ``MOST_BYTES``, told by its length or found by counting.

    Starlette and uvicorn have no such limit of their own.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count what is read of it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
        if length.isdigit() and int(length) > MOST_BYTES:
            await answer_of(problem_of(_TooLargeError()))(scope, receive, send)
            return
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > MOST_BYTES:
                raise _TooLargeError
            return message

        async def noting(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, counted, noting)
        except _TooLargeError:
            if started:
                raise
            await answer_of(problem_of(_TooLargeError()))(scope, receive, send)
