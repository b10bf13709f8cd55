"""Lines with elapsed time for long steps, and a reminder whenever nothing was said for ten seconds. Standard library."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

SILENCE_SECONDS = 10.0


class StepError(Exception):
    """A step failed; the message names the cause and the remedy."""


class Progress:
    """Says what happens, each line led by the seconds since the start.

    While a ``with progress:`` block is open, the steps that are under way are named again after every ten seconds of
    silence. Safe to use from several threads.
    """

    def __init__(self, stream: IO[str] | None = None, silence_seconds: float = SILENCE_SECONDS) -> None:
        self._stream = stream or sys.stdout
        self._silence_seconds = silence_seconds
        self._started = time.monotonic()
        self._last_said = self._started
        self._open: dict[str, float] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def __enter__(self) -> Progress:
        self._closed.clear()
        threading.Thread(target=self._remind_until_closed, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """Write one line."""
        with self._lock:
            self._last_said = time.monotonic()
            self._stream.write(f"{self._last_said - self._started:7.1f} s  {text}\n")
            self._stream.flush()

    @contextmanager
    def step(self, name: str, done: str | None = None) -> Iterator[None]:
        """Name a piece of work while it lasts, and say ``done`` (default: the name) with its seconds afterwards."""
        began = time.monotonic()
        with self._lock:
            self._open[name] = began
        try:
            yield
        finally:
            with self._lock:
                self._open.pop(name, None)
        self.say(f"{done or name} ({time.monotonic() - began:.1f} s)")

    def remind(self) -> None:
        """Name the open steps, if nothing was said for long enough."""
        now = time.monotonic()
        with self._lock:
            silent = now - self._last_said >= self._silence_seconds
            waiting = [f"{name} ({now - began:.0f} s)" for name, began in self._open.items()]
        if silent and waiting:
            self.say("… " + ", ".join(waiting))

    def _remind_until_closed(self) -> None:
        while not self._closed.wait(1.0):
            self.remind()


def run_quietly(
    name: str, command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> None:
    """Run ``command`` with its output in ``log``.

    Raises:
        StepError: it failed; the message ends with the last lines of the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        result = subprocess.run(
            [str(part) for part in command],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env=None if env is None else dict(env),
            cwd=cwd,
            check=False,
        )
    if result.returncode != 0:
        tail = "\n".join("    " + line for line in log.read_text(errors="replace").splitlines()[-15:])
        raise StepError(f"{name} failed with exit code {result.returncode}; the end of {log}:\n{tail}")
