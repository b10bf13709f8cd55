"""A real supervisord of a test's own, on a free port, with a platform home of its own."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kafka_broker import free_port

from patternalarm.settings import Settings

REPOSITORY = Path(__file__).resolve().parent.parent
SUPERVISORD = REPOSITORY / ".venvs" / "services" / "bin" / "supervisord"

CONFIGURATION = """
[supervisord]
nodaemon=true
identifier=test
logfile={home}/supervisord.log
pidfile={home}/supervisord.pid
childlogdir={home}
{user}

[inet_http_server]
port=127.0.0.1:{port}
username=patternalarm
password={password}

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[include]
files={home}/supervisor/run.d/*.conf
"""


@contextmanager
def supervisord(home: Path) -> Iterator[Settings]:
    """Run one; gives the settings that reach it.

    Raises:
        RuntimeError: it did not come up; the message holds its output.
    """
    settings = Settings(home=home, supervisor_port=free_port(), supervisor_password="s3cret/@:")
    (home / "supervisor" / "run.d").mkdir(parents=True)
    configuration = home / "supervisord.conf"
    configuration.write_text(
        CONFIGURATION.format(
            home=home,
            port=settings.supervisor_port,
            password=settings.supervisor_password,
            user="user=root" if os.geteuid() == 0 else "",
        )
    )
    output = home / "output"
    with output.open("wb") as stream:
        process = subprocess.Popen([SUPERVISORD, "-c", configuration], stdout=stream, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 20
        while "RPC interface" not in output.read_text() or not (home / "supervisord.pid").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"supervisord did not come up: {output.read_text()}")
            time.sleep(0.05)
        yield settings
    finally:
        process.terminate()
        process.wait(timeout=60)
