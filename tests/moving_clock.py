"""A clock for tests of what waits."""

import time
from types import SimpleNamespace

import pytest


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves by itself and with every sleep, so that nothing is really waited for."""
    clock = SimpleNamespace(now=time.monotonic(), waits=[])

    def sleep(seconds):
        clock.waits.append(seconds)
        clock.now += seconds

    clock.sleep = sleep
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", sleep)
    return clock
