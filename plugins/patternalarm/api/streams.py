"""Server-sent events: how many streams may be open, and what ends one."""

from collections.abc import AsyncIterator
from typing import Final

from sse_starlette import EventSourceResponse

from patternalarm.api.metrics import OPEN_STREAMS
from patternalarm.api.problems import ProblemError

MOST_STREAMS: Final = 200
# Under the minute after which proxies take a silent connection for dead.
PING_SECONDS: Final = 15
# Who reads nothing for so long gives up its place.
SEND_SECONDS: Final = 30

_open = 0


def event_stream(events: AsyncIterator[dict[str, str]]) -> EventSourceResponse:
    """A stream of ``events``, each a mapping of ``event``, ``data`` and maybe ``id``, until they end or nobody reads.

    Raises:
        ProblemError: 429, as many streams are open as the API holds.
    """
    if _open >= MOST_STREAMS:
        raise ProblemError(
            429,
            "too many streams",
            f"{MOST_STREAMS} event streams are open",
            remedy="close some, or ask again in a while",
            headers={"Retry-After": "30"},
        )
    return EventSourceResponse(
        _counted(events), ping=PING_SECONDS, send_timeout=SEND_SECONDS, headers={"Cache-Control": "no-store"}
    )


async def _counted(events: AsyncIterator[dict[str, str]]) -> AsyncIterator[dict[str, str]]:
    global _open
    _open += 1
    OPEN_STREAMS.inc()
    try:
        async for event in events:
            yield event
    finally:
        _open -= 1
        OPEN_STREAMS.dec()
