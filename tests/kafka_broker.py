"""A real Kafka broker of a test's own: the platform's properties on free ports, in a directory of the test's."""

import secrets
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


def free_port() -> int:
    """A TCP port that nothing listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def kafka_broker(directory: Path) -> Iterator[str]:
    """Run a broker; gives its bootstrap servers.

    Raises:
        RuntimeError: it did not come up; the message holds its log.
    """
    port, controller_port = free_port(), free_port()
    home = directory / "home"
    (home / "kafka").mkdir(parents=True)
    properties = home / "kafka.properties"
    properties.write_text(
        Template(TEMPLATE.read_text()).substitute(
            bind_host="127.0.0.1",
            advertised_host="127.0.0.1",
            kafka_port=port,
            kafka_controller_port=controller_port,
            home=home,
        )
    )
    classpath = f"{JARS}/kafka/*"
    cluster_id = secrets.token_urlsafe(16).replace("-", "A")
    subprocess.run(
        [
            "java",
            "-cp",
            classpath,
            "kafka.tools.StorageTool",
            "format",
            "--standalone",
            "-t",
            cluster_id,
            "-c",
            properties,
        ],
        check=True,
        capture_output=True,
    )
    log = directory / "kafka.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["java", "-Xmx384m", "-XX:+UseSerialGC", "-cp", classpath, "kafka.Kafka", properties],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            with socket.socket() as sock:
                if sock.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Kafka did not come up: {log.read_text()[-2000:]}")
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
