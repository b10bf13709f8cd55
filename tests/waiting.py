"""Waiting for what happens elsewhere."""

import time
from collections.abc import Callable
from typing import Any


def wait_for(condition: Callable[[], Any], seconds: float = 20, interval: float = 0.05) -> Any:
    """Polls every ``interval`` seconds until ``condition()`` holds, and returns what it gave.

    Raises:
        AssertionError: it does not within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(interval)
    raise AssertionError("it did not come to that")
