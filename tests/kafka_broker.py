"""A real Kafka broker of a test's own: the platform's properties on free ports, in a directory of the test's."""

import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

REPOSITORY = Path(__file__).resolve().parent.parent
TEMPLATE = REPOSITORY / "infra" / "local" / "templates" / "kafka.properties.template"
JARS = REPOSITORY / ".local" / "jars"
CLASSPATH = f"{JARS}/kafka/*"


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class KafkaBroker:
    """A broker that can be killed and started again; ``bootstrap`` are its bootstrap servers."""

    def __init__(self, directory: Path) -> None:
        self._port, controller_port = free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{self._port}"
        home = directory / "home"
        (home / "kafka").mkdir(parents=True)
        self._properties = home / "kafka.properties"
        self._properties.write_text(
            Template(TEMPLATE.read_text()).substitute(
                bind_host="127.0.0.1",
                kafka=self.bootstrap,
                kafka_host="127.0.0.1",
                kafka_port=self._port,
                kafka_controller_port=controller_port,
                home=home,
            )
        )
        self._log = directory / "kafka.log"
        self._process: subprocess.Popen[str] | None = None
        cluster_id = secrets.token_urlsafe(16).replace("-", "A")
        storage = ("kafka.tools.StorageTool", "format", "--standalone", "-t", cluster_id, "-c", self._properties)
        subprocess.run(["java", "-cp", CLASSPATH, *storage], check=True, capture_output=True)

    def start(self) -> None:
        """Start it, and return when it listens.

        Raises:
            RuntimeError: it did not come up; the message holds its log.
        """
        with self._log.open("a") as output:
            self._process = subprocess.Popen(
                ["java", "-Xmx384m", "-XX:+UseSerialGC", "-cp", CLASSPATH, "kafka.Kafka", self._properties],
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", self._port)) == 0:
                    return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kafka did not come up: {self._log.read_text()[-2000:]}")
            time.sleep(0.1)

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Send it a signal that ends it, and wait until it did."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None


@contextmanager
def running_broker(directory: Path) -> Iterator[KafkaBroker]:
    """A broker that was started.

    Raises:
        RuntimeError: it did not come up; the message holds its log.
    """
    broker = KafkaBroker(directory)
    try:
        broker.start()
        yield broker
    finally:
        broker.end()


@contextmanager
def kafka_broker(directory: Path) -> Iterator[str]:
    """Bootstrap servers of a broker that was started.

    Raises:
        RuntimeError: it did not come up; the message holds its log.
    """
    with running_broker(directory) as broker:
        yield broker.bootstrap
