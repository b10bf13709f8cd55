"""Is a program of the platform able to work? Asked of the program itself, not of its process."""

import shutil
import socket
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
from infra.local.configuration import Configuration

from patternalarm.redis_client import redis_client

TIMEOUT_SECONDS = 5

# Never through a proxy of the caller's shell: everything is on this machine.
_client = httpx.Client(
    timeout=TIMEOUT_SECONDS, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0), follow_redirects=True
)


class Unhealthy(Exception):  # noqa: N818 - an answer, not an error
    """A program is not able to work; the message says why."""


def _get(url: str) -> Any:
    try:
        answer = _client.get(url).raise_for_status()
    except httpx.HTTPError as error:
        raise Unhealthy(f"{url}: {error}") from error
    try:
        return answer.json()
    except ValueError:
        return answer.text.strip()


def postgres(configuration: Configuration) -> None:
    """PostgreSQL accepts connections."""
    settings = configuration.settings
    program = str(configuration.postgres.path / "pg_isready")
    address = settings.address("postgres")
    command = [program, "-q", "-h", address.host, "-p", str(address.port)]
    if subprocess.run(command, check=False).returncode != 0:
        raise Unhealthy("PostgreSQL does not accept connections")


def kafka(configuration: Configuration) -> None:
    """The broker answers a request for its metadata."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    client = AdminClient({"bootstrap.servers": configuration.settings.kafka_bootstrap, "log_level": 0})
    try:
        brokers = client.list_topics(timeout=TIMEOUT_SECONDS).brokers
    except KafkaException as error:
        raise Unhealthy(f"Kafka: {error.args[0].str()}") from error
    if not brokers:
        raise Unhealthy("Kafka has no broker yet")


def zookeeper(configuration: Configuration) -> None:
    """The server serves; it says so to who asks whether it is ok."""
    settings = configuration.settings
    try:
        with socket.create_connection(settings.address("zookeeper"), TIMEOUT_SECONDS) as connection:
            connection.sendall(b"ruok")
            answer = connection.makefile("rb").read()
    except OSError as error:
        raise Unhealthy(f"ZooKeeper: {error}") from error
    if answer != b"imok":
        raise Unhealthy("ZooKeeper does not serve yet")


def redis(configuration: Configuration) -> None:
    """The server answers who has its password."""
    from redis.exceptions import RedisError

    try:
        with closing(redis_client(configuration.settings, timeout_seconds=TIMEOUT_SECONDS)) as client:
            client.ping()
    except RedisError as error:
        raise Unhealthy(f"Redis: {error}") from error


def flink_jobmanager(configuration: Configuration) -> None:
    """The REST API answers."""
    _get(f"{configuration.settings.flink_url}/overview")


def flink_taskmanager(configuration: Configuration) -> None:
    """A TaskManager with all its slots is registered."""
    overview = _get(f"{configuration.settings.flink_url}/overview")
    if overview["slots-total"] < configuration.settings.flink_slots:
        raise Unhealthy(f"{overview['slots-total']} of {configuration.settings.flink_slots} slots are registered")


def _airflow(component: str) -> Callable[[Configuration], None]:
    def check(configuration: Configuration) -> None:
        status = _get(f"{configuration.settings.airflow_url}/api/v2/monitor/health")[component]["status"]
        if status != "healthy":
            raise Unhealthy(f"Airflow says that its {component} is {status or 'not there'}")

    check.__doc__ = f"Airflow's {component} reports to the database."
    return check


def api(configuration: Configuration) -> None:
    """The platform's own API answers."""
    _get(f"{configuration.settings.api_url}/api/health")


def superset(configuration: Configuration) -> None:
    """Superset answers."""
    _get(f"{configuration.settings.superset_url}/health")


# A store that cannot write as much as this ends, is started again, and ends again.
LEAST_FREE_BYTES = 16 * 2**20

_FOLDERS: dict[str, Callable[[Configuration], Path]] = {
    "kafka": lambda configuration: configuration.home / "kafka" / "data",
    "postgres": lambda configuration: configuration.postgres_data,
}


def lack_of_space(name: str, configuration: Configuration) -> str:
    """That the disk of a store's folder is full, in words; empty when it is not, and for what keeps nothing."""
    folder = _FOLDERS[name](configuration) if name in _FOLDERS else None
    if folder is None or not folder.exists() or shutil.disk_usage(folder).free >= LEAST_FREE_BYTES:
        return ""
    return f"no space is left for {folder}: make room, and {name} comes back by itself"


CHECKS: dict[str, Callable[[Configuration], None]] = {
    "postgres": postgres,
    "kafka": kafka,
    "zookeeper": zookeeper,
    "redis": redis,
    "flink-jobmanager": flink_jobmanager,
    "flink-taskmanager": flink_taskmanager,
    "airflow-api-server": _airflow("metadatabase"),
    "airflow-scheduler": _airflow("scheduler"),
    "airflow-dag-processor": _airflow("dag_processor"),
    "airflow-triggerer": _airflow("triggerer"),
    "api": api,
    "superset": superset,
}
