"""A Redis of these tests' own."""

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from redis_server import RedisServer, redis_server

from patternalarm.redis_client import redis_client


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """The server."""
    with redis_server(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture
def client(server: RedisServer) -> Iterator[redis.Redis]:
    """A client of an empty server."""
    with closing(redis_client(server.settings)) as connected:
        connected.flushall()
        yield connected
