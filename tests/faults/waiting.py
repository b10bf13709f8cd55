"""Wait for what must come, at the pace of a poll."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NothingCameError(AssertionError):
    """What was waited for did not come in its time; the message names it."""


def wait_for(what: str, look: Callable[[], T | None], seconds: float, interval: float = 0.2) -> T:
    """The first true answer of ``look``, asked every ``interval`` seconds.

    Raises:
        NothingCameError: there was none within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while True:
        if found := look():
            return found
        if time.monotonic() > deadline:
            raise NothingCameError(f"no {what} within {seconds:.0f} s")
        time.sleep(interval)
