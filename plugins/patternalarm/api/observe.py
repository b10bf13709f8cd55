"""Each request as a line of the log and in the metrics."""

import logging
import time
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from patternalarm.api.metrics import DURATION, REQUESTS

logger = logging.getLogger("patternalarm.api.requests")

# Asked many times a second; their good answers tell nothing.
_QUIET: Final = ("/api/predict", "/api/health", "/api/health/ready", "/api/metrics")
_UNKNOWN: Final = "unknown"


class Observe:
    """Middleware that logs and counts requests by their routes, whose paths hold no ids."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, answered = time.perf_counter(), 500, 0.0

        async def noting(message: Message) -> None:
            nonlocal status, answered
            if message["type"] == "http.response.start":
                status, answered = message["status"], time.perf_counter()
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            seconds = (answered or time.perf_counter()) - began
            route = getattr(scope.get("route"), "path", _UNKNOWN)
            REQUESTS.labels(scope["method"], route, status).inc()
            DURATION.labels(scope["method"], route).observe(seconds)
            if route not in _QUIET or status >= 400:
                principal = scope.get("state", {}).get("principal")
                logger.info(
                    "%s %s %d",
                    scope["method"],
                    route,
                    status,
                    extra={
                        "method": scope["method"],
                        "route": route,
                        "status": status,
                        "milliseconds": round(seconds * 1000, 2),
                        "caller": principal.name if principal else None,
                    },
                )
