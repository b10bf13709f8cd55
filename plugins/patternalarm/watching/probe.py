"""A question that is asked again and again in a thread of its own: who does not answer holds up nobody else."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from patternalarm.retrying import Complaints, asking_once

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Probe(Generic[T]):
    """Asks ``ask`` every ``interval`` seconds and keeps its last answer.

    Args:
        name: who is asked.
        ask: asks once; it may raise, or block as long as it likes.
        interval: seconds between an answer and the next question.
    """

    def __init__(self, name: str, ask: Callable[[], T], interval: float = 1.0) -> None:
        self._ask, self._interval = ask, interval
        self._complaints = Complaints(f"ask {name}", logger.warning)
        self._answer: tuple[float, T] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to ask."""
        self._thread.start()

    def stop(self) -> None:
        """Ask no more, and do not wait for an answer that is due."""
        self._stopped.set()

    @property
    def answer(self) -> tuple[float, T] | None:
        """When the last answer came (epoch seconds), and what it was; None before the first."""
        return self._answer

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                with asking_once():
                    answer = self._ask()
                self._answer = (time.time(), answer)
            except Exception as error:  # noqa: BLE001 - whatever it is, there is no answer
                self._complaints.hear(error, "asking again")
            self._stopped.wait(self._interval)
