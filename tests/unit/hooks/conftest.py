"""These tests need Airflow, so they are collected in its environment alone; the engines they use are real."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from moving_clock import clock as clock

collect_ignore_glob = [] if find_spec("airflow") else ["test_*.py"]


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """Settings of a platform of which only Kafka runs, and the provider's connection to it."""
    from kafka_broker import kafka_broker

    from patternalarm.settings import Settings

    with kafka_broker(tmp_path_factory.mktemp("kafka")) as bootstrap, pytest.MonkeyPatch.context() as patch:
        connection = f'{{"conn_type": "kafka", "extra": {{"bootstrap.servers": "{bootstrap}"}}}}'
        patch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", connection)
        yield Settings(kafka_port=int(bootstrap.rpartition(":")[2]))
