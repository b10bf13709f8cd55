"""One policy of trying again: what passes by itself is waited out, as long as the patience of the settings lasts.

What does not pass (a wrong password, a missing table, a refusal) fails at once. The waits grow exponentially, are spread
by chance and end at a cap; when patience ends, the last error is raised, the engine's own.

    for attempt in retrying("ask for the offsets"):
        with attempt:
            ...

    retrying("count rows")(function, its, arguments)
"""

import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Final

import tenacity

from patternalarm.passing_errors import passes_by_itself
from patternalarm.settings import get_settings

_FIRST_WAIT_SECONDS: Final = 0.2
_LONGEST_WAIT_SECONDS: Final = 4.0
_SHORTEST_WAIT_SECONDS: Final = 0.05

_OUTLASTED: Final = "outlasted_patience"

_limit: ContextVar[float] = ContextVar("limit", default=math.inf)

logger = logging.getLogger(__name__)


class Complaints:
    """Tells each kind of error once.

    Args:
        what: what was tried, in words; it begins the line.
        tell: writes a line.
    """

    def __init__(self, what: str, tell: Callable[[str], None] = logger.warning) -> None:
        self._what, self._tell = what, tell
        self._told: set[str] = set()

    def hear(self, error: BaseException, then: str) -> None:
        """Tell ``error``, and what happens ``then``, if no such error was told before."""
        kind = _named(error)
        if kind not in self._told:
            self._told.add(kind)
            self._tell(f"{self._what}: {kind}; {then}")


def retrying(
    what: str,
    patience_seconds: float | None = None,
    *,
    passes: Callable[[BaseException], bool] = passes_by_itself,
    sleep: Callable[[float], None] | None = None,
) -> tenacity.Retrying:
    """The policy, for one piece of work: iterate over its attempts, or call it with a function and its arguments.

    Args:
        what: the work in words, for the log: "connect to PostgreSQL".
        patience_seconds: how long to try again after the first failure; that of the settings by default.
        passes: which errors to try again after.
        sleep: waits for seconds; that of ``time`` by default.
    """
    patience = min(_limit.get(), patience_of_settings() if patience_seconds is None else patience_seconds)
    complaints = Complaints(what)
    first_failure = 0.0

    def is_over(state: tenacity.RetryCallState) -> bool:
        nonlocal first_failure
        if state.attempt_number == 1:
            first_failure = time.monotonic()
        over = time.monotonic() - first_failure + state.upcoming_sleep >= patience
        if over and patience and state.outcome is not None:
            # A policy around this one must not begin to wait anew.
            state.outcome.exception().__dict__[_OUTLASTED] = True
        return over

    def complain(state: tenacity.RetryCallState) -> None:
        if state.outcome is not None and (error := state.outcome.exception()) is not None:
            complaints.hear(error, f"trying again for {patience:.0f} s")

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: passes(error) and not _outlasted_patience(error)),
        wait=tenacity.wait_random_exponential(
            multiplier=_FIRST_WAIT_SECONDS, max=_LONGEST_WAIT_SECONDS, min=_SHORTEST_WAIT_SECONDS
        ),
        stop=is_over,
        before_sleep=complain,
        sleep=sleep or time.sleep,
        reraise=True,
    )


@contextmanager
def patient_for(seconds: float) -> Iterator[None]:
    """Within it (and in threads started with its context) patience lasts for ``seconds`` at most."""
    token = _limit.set(min(seconds, _limit.get()))
    try:
        yield
    finally:
        _limit.reset(token)


def asking_once() -> AbstractContextManager[None]:
    """Within it nothing is tried twice: for who comes back to ask anyway."""
    return patient_for(0.0)


def before_work_begins() -> AbstractContextManager[None]:
    """Within it patience is short: nothing is lost yet, and somebody waits to hear that an engine is down."""
    return patient_for(get_settings().first_answer_seconds)


def patience_of_settings() -> float:
    """Seconds that an error which passes by itself is waited out."""
    return get_settings().patience_seconds


def _outlasted_patience(error: BaseException | None) -> bool:
    return error is not None and (_OUTLASTED in vars(error) or _outlasted_patience(error.__cause__))


def _named(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
