"""These tests need Airflow, so they are collected in its environment alone; the engines they use are real."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

collect_ignore_glob = [] if find_spec("airflow") else ["test_*.py"]


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


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """Settings of a platform of which only Kafka runs, and the provider's connection to it."""
    from kafka_broker import kafka_broker

    from patternalarm.settings import Settings

    with kafka_broker(tmp_path_factory.mktemp("kafka")) as bootstrap, pytest.MonkeyPatch.context() as patch:
        connection = f'{{"conn_type": "kafka", "extra": {{"bootstrap.servers": "{bootstrap}"}}}}'
        patch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", connection)
        yield Settings(kafka_port=int(bootstrap.rpartition(":")[2]))
