"""The engines that these tests use are real."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))


@pytest.fixture(scope="module")
def supervised(tmp_path_factory):
    """Settings of a platform of which only the supervisor runs."""
    from supervisord import supervisord

    with supervisord(tmp_path_factory.mktemp("home")) as settings:
        yield settings


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves by itself and with every sleep, so that nothing is really waited for."""
    import time
    from types import SimpleNamespace

    clock = SimpleNamespace(now=time.monotonic(), waits=[])

    def sleep(seconds):
        clock.waits.append(seconds)
        clock.now += seconds

    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", sleep)
    return clock
