"""A real Redis of a test's own: the platform's configuration on a free port, in a directory of the test's."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from string import Template
from typing import Any

from infra.local.configuration import TEMPLATES
from infra.local.machine import REPOSITORY, find_redis
from kafka_broker import free_port
from redis.exceptions import ConnectionError as NobodyThereError
from waiting import wait_for

from patternalarm.redis_client import redis_client
from patternalarm.settings import Settings, get_settings

TEMPLATE = "redis.conf.template"
VENVS = REPOSITORY / ".venvs"


class RedisServer:
    """A server that can be killed and started again, with what it kept lost; ``settings`` are those of its clients."""

    def __init__(self, directory: Path, memory_mib: int = 64) -> None:
        found = find_redis(VENVS / "services")
        assert found, "run: make envs"
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "redis").mkdir(exist_ok=True)
        own = {"redis_port": free_port(), "redis_password": "of the tests", "redis_address": ""}
        self.settings: Settings = get_settings().model_copy(update={**own, "redis_memory_mib": memory_mib})
        values: dict[str, Any] = self.settings.model_dump() | {"home": directory, "redis_password": '"of the tests"'}
        self._file, self._log = directory / "redis.conf", directory / "redis.log"
        self._file.write_text(Template((TEMPLATES / TEMPLATE).read_text()).substitute(values))
        self._command = [str(found.path), str(self._file)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(self._command, stdout=output, stderr=subprocess.STDOUT)
        wait_for(self._answers)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal that ends it, and wait until it did."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def _answers(self) -> bool:
        assert self._process and self._process.poll() is None, self._log.read_text()
        try:
            with closing(redis_client(self.settings)) as client:
                return bool(client.ping())
        except NobodyThereError:
            return False


@contextmanager
def redis_server(directory: Path, memory_mib: int = 64) -> Iterator[RedisServer]:
    """A server that was started."""
    server = RedisServer(directory, memory_mib)
    try:
        server.start()
        yield server
    finally:
        server.end()
