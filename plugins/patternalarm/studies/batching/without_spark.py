"""The forest without Spark: in this process, and behind ``POST /api/predict``."""

import math
from typing import Final

import httpx
import numpy as np
import psutil
from numpy.typing import NDArray

from patternalarm.models.forest_scorer import ForestScorer
from patternalarm.remedies import START_PLATFORM
from patternalarm.settings import Settings
from patternalarm.studies.batching.requests import ROWS_PER_REQUEST, timed
from patternalarm.studies.batching.result import Measurement, Way
from patternalarm.studies.machine import cpu_seconds

_PREDICT: Final = "/api/predict"
_ANSWER_SECONDS: Final = 30.0
_AT_LEAST_SECONDS: Final = 3.0


class NotMeasuredError(RuntimeError):
    """This way cannot be measured here; the message says why."""


def measure_in_process(
    scorer: ForestScorer, rows: NDArray[np.float64], requests: int, warm_up: int
) -> list[Measurement]:
    """Scores by ``scorer`` in this process, one measurement for each number of rows a request."""
    own = psutil.Process().pid
    return [
        timed(
            Way.IN_PROCESS, rows, size, scorer.score, lambda: cpu_seconds([own]), requests, warm_up, _AT_LEAST_SECONDS
        )
        for size in ROWS_PER_REQUEST
    ]


def measure_http(
    settings: Settings, domain: str, version: str, rows: NDArray[np.float64], requests: int, warm_up: int
) -> list[Measurement]:
    """Scores by the platform's API over one connection; CPU time is the API's alone.

    Raises:
        NotMeasuredError: it does not answer, refuses, or serves another model than ``version``.
    """
    with httpx.Client(base_url=settings.api_url, timeout=_ANSWER_SECONDS) as client:

        def request(asked: NDArray[np.float64]) -> httpx.Response:
            values = [[None if math.isnan(value) else value for value in row] for row in asked.tolist()]
            return client.post(_PREDICT, json={"domain": domain, "rows": values}).raise_for_status()

        try:
            served = request(rows[:1]).json()["modelVersion"]
            if served != version:
                raise NotMeasuredError(f"the API serves model {served}, and {version} was measured")
            pid = _listener(settings.address("api").port)
            return [
                timed(Way.HTTP, rows, size, request, lambda: cpu_seconds([pid]), requests, warm_up, _AT_LEAST_SECONDS)
                for size in ROWS_PER_REQUEST
            ]
        except httpx.HTTPStatusError as error:
            raise NotMeasuredError(f"the API at {settings.api_url} refused: {error.response.text[:300]}") from error
        except httpx.HTTPError as error:
            raise NotMeasuredError(
                f"the API at {settings.api_url} does not answer ({error}): {START_PLATFORM}"
            ) from error


def _listener(port: int) -> int:
    """Process id of who listens on a TCP port of this machine."""
    for connection in psutil.net_connections("tcp"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (port,) and connection.pid:
            return int(connection.pid)
    raise NotMeasuredError(f"the API listens on port {port} as another user: its CPU time cannot be read")
