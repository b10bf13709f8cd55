"""The API over a database, a Redis and a model of this session's own. Airflow is away."""

import ipaddress
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvicorn
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from migrated_database import migrated_database, superuser_dsn
from served_model import DOMAIN, write_model

from patternalarm.api.access.keys import create_key
from patternalarm.api.access.roles import Role
from patternalarm.api.application import create_app
from patternalarm.api.throttle import LIMITS
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.tables import API_ROLE, PLATFORM_ROLE
from patternalarm.models.metadata import read_metadata
from patternalarm.models.registry import ModelVersion, promote, register
from patternalarm.settings import Settings

LOCAL = ("127.0.0.1", 50_000)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings with a database and a home of this session's own."""
    with migrated_database("http") as own:
        yield own.model_copy(update={"home": tmp_path_factory.mktemp("home"), "session_password": "session"})


@pytest.fixture(scope="session")
def pack() -> DomainPack:
    """The pack of the domain that has a model."""
    return load_pack(DOMAIN)


@pytest.fixture(scope="session")
def model(settings: Settings, pack: DomainPack) -> str:
    """Version of the promoted model."""
    directory = write_model(settings.models_dir / DOMAIN / "m-1", pack, "m-1")
    metadata = read_metadata(directory)
    with psycopg.connect(settings.dsn(PLATFORM_ROLE, settings.platform_password), autocommit=True) as connection:
        register(connection, ModelVersion.of(metadata, str(directory)))
        promote(connection, DOMAIN, metadata.version)
    return metadata.version


@pytest.fixture(scope="session")
def client(settings: Settings, model: str) -> Iterator[TestClient]:
    """A program on this machine, without a key."""
    base = f"http://{settings.address('api')}"
    limits = {**LIMITS, "trigger": "1000/second"}
    with TestClient(
        create_app(settings, limits), base_url=base, client=LOCAL, raise_server_exceptions=False
    ) as started:
        yield started


@pytest.fixture(scope="session")
def server(settings: Settings, model: str) -> Iterator[str]:
    """Base URL of the API as a server that really listens."""
    app = create_app(settings, {**LIMITS, "trigger": "1000/second", "write": "1000/second", "read": "1000/second"})
    listener = socket.create_server((settings.bind_host, 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    serving = uvicorn.Server(config)
    thread = threading.Thread(target=serving.run, kwargs={"sockets": [listener]})
    thread.start()
    while not serving.started:
        time.sleep(0.01)
    yield "http://{}:{}".format(*listener.getsockname())
    serving.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="session")
def another_machine(settings: Settings, client: TestClient) -> Callable[..., TestClient]:
    """A client of the same application on some other machine, of which no earlier session has made Redis count calls."""

    def make(network: str = "10.0.0.0") -> TestClient:
        address = str(ipaddress.ip_address(int(ipaddress.ip_address(network)) + secrets.randbelow(2**24)))
        base = f"http://api.example:{settings.api_port}"
        made = TestClient(client.app, base_url=base, client=(address, 50_000), raise_server_exceptions=False)
        # Its connections belong to the event loop that the application was started in.
        made.portal = client.portal
        return made

    return make


@pytest.fixture
def elsewhere(another_machine: Callable[..., TestClient]) -> TestClient:
    """A program on another machine."""
    return another_machine()


@pytest.fixture(scope="session")
def key_of(settings: Settings) -> Callable[..., dict[str, str]]:
    """The header of a new key of a role."""

    def make(role: Role, days: float = 1, name: str = "") -> dict[str, str]:
        with psycopg.connect(settings.dsn(API_ROLE, settings.api_password), autocommit=True) as connection:
            return {
                "Authorization": f"Bearer {create_key(connection, name or f'{role}-{secrets.token_hex(4)}', role, days, 'tests')}"
            }

    return make


@pytest.fixture
def superuser(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """The superuser in this session's database."""
    with psycopg.connect(superuser_dsn(), dbname=settings.database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def rows(pack: DomainPack) -> Callable[[int, float], list[list[float | None]]]:
    """Feature vectors whose first value is the given one."""

    def make(count: int, first: float) -> list[list[float | None]]:
        return [[first, *(None for _ in pack.features[1:])] for _ in range(count)]

    return make
