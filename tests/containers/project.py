"""A project of `docker compose` that belongs to the tests: built, brought up, hurt, asked and taken down."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from waiting import wait_for

from patternalarm.settings import LOOPBACK, REPOSITORY

NAME = "patternalarm-test"
PORTS = {"PATTERNALARM_AIRFLOW_PORT": "28180", "PATTERNALARM_API_PORT": "28100", "PATTERNALARM_SUPERSET_PORT": "28188"}
START = "/var/lib/patternalarm/start"
REPORTS = "/var/lib/patternalarm/reports"
# Images are built for all of them, so that the sizes of all can be told; Superset is brought up by hand only.
BUILT_PROFILES = ("full", "measured")
KINDS = {"containers": ("ps", "-a"), "volumes": ("volume", "ls"), "networks": ("network", "ls")}

MEGABYTE = 1_000_000
# What the issue asks, in MB as `docker image ls` counts them.
MOST_MEGABYTES = {"generator": 450, "api": 450, "flink": 700, "engines": 1300}


def say(text: str) -> None:
    """A line for who reads the test's output, under `pytest -s`."""
    print(text, flush=True)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Tell how long it took."""
    began = time.monotonic()
    yield
    say(f"{what}: {time.monotonic() - began:.0f} s")


class Project:
    """The project; its environment gives it ports of its own."""

    api_url = f"http://{LOOPBACK}:{PORTS['PATTERNALARM_API_PORT']}"

    def __init__(self) -> None:
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("PATTERNALARM_")}
        self._environment |= PORTS

    def build(self) -> None:
        """Build every image."""
        self._compose(*(part for name in BUILT_PROFILES for part in ("--profile", name)), "build", "--quiet")

    def up(self) -> None:
        """Bring it up and wait until everything is healthy."""
        self._compose("up", "--detach", "--wait", "--quiet-pull")

    def down(self) -> None:
        """Take it down with its volumes."""
        self._compose("--profile", "full", "down", "--volumes", "--remove-orphans", "--timeout", "10")

    def execute(self, service: str, *command: str) -> str:
        """What a command in the container of a service prints."""
        return self._compose("exec", "-T", service, *command)

    def kill(self, service: str) -> None:
        """Kill every process of the container at once, and return when Docker has started it again and it is healthy."""
        before = self.restarts()[service]
        # Not `docker kill`, of which Docker thinks that somebody means it. The shell does not kill itself.
        self._compose("exec", "-T", service, "bash", "-c", "kill -KILL -1")
        wait_for(lambda: self.restarts()[service] > before and self._health(service) == "healthy", 120, interval=1)

    def restarts(self) -> dict[str, int]:
        """How often Docker started each container again, by service."""
        return {name: int(found["RestartCount"]) for name, found in self._inspected().items()}

    def image_megabytes(self) -> dict[str, float]:
        """Uncompressed sizes of the images by target, as `docker image ls` tells them."""
        names = sorted(
            set(self._compose(*(f"--profile={name}" for name in BUILT_PROFILES), "config", "--images").split())
        )
        inspected = json.loads(_docker("image", "inspect", *names))
        return {
            name.removeprefix("patternalarm-"): image["Size"] / MEGABYTE
            for name, image in zip(names, inspected, strict=True)
        }

    def left(self) -> dict[str, list[str]]:
        """Containers, volumes and networks that belong to it."""
        label = f"label=com.docker.compose.project={NAME}"
        return {kind: _docker(*command, "-q", "--filter", label).split() for kind, command in KINDS.items()}

    def _health(self, service: str) -> str:
        return str(self._inspected()[service]["State"].get("Health", {}).get("Status", ""))

    def _inspected(self) -> dict[str, dict[str, object]]:
        ids = self._compose("ps", "--all", "--quiet").split()
        found = json.loads(_docker("inspect", *ids)) if ids else []
        return {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in found}

    def _compose(self, *arguments: str) -> str:
        files = ("-f", "docker-compose.yaml", "-f", "tests/containers/host-network-builds.yaml")
        return _run(["docker", "compose", "-p", NAME, *files, *arguments], self._environment)


def _docker(*arguments: str) -> str:
    return _run(["docker", *arguments], dict(os.environ))


def _run(command: Sequence[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(
            f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        )
    return done.stdout
