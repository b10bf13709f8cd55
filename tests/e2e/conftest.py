"""A whole platform of the tests' own, on the ports and in the home that the test run gives it."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from patternalarm.contracts.tables import PLATFORM_ROLE
from patternalarm.settings import Settings, get_settings

REPOSITORY = Path(__file__).resolve().parent.parent.parent

Cli = Callable[..., subprocess.CompletedProcess[str]]


def _module(name: str, *arguments: str) -> list[str]:
    return [str(REPOSITORY / ".venvs" / "services" / "bin" / "python"), "-m", name, *arguments]


@pytest.fixture(scope="session")
def platform() -> Iterator[Settings]:
    """The platform, up; afterwards it must go down and leave no process."""
    if "PATTERNALARM_HOME" not in os.environ:
        pytest.exit("the end-to-end tests need a platform of their own: run them by `make test`", returncode=1)
    subprocess.run(_module("infra.local.platform", "clean"), cwd=REPOSITORY, env={**os.environ, "YES": "1"}, check=True)
    subprocess.run(_module("infra.local.platform", "up"), cwd=REPOSITORY, check=True)
    get_settings.cache_clear()
    yield get_settings()
    subprocess.run(_module("infra.local.platform", "down"), cwd=REPOSITORY, check=True)


@pytest.fixture(scope="session")
def cli(platform: Settings) -> Cli:
    """Run ``patternalarm.cli`` to its end; its output is shown too, for whoever reads the test's log."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            _module("patternalarm.cli", *arguments), cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        sys.stdout.write(done.stdout + done.stderr)
        return done

    return run


@pytest.fixture(scope="session")
def start_cli(platform: Settings) -> Callable[..., subprocess.Popen[str]]:
    """Start ``patternalarm.cli`` and go on."""

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            _module("patternalarm.cli", *arguments),
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return start


@pytest.fixture
def database(platform: Settings) -> Iterator[psycopg.Connection]:
    """The platform's database, as the role that reports and grades."""
    dsn = platform.dsn(PLATFORM_ROLE, platform.platform_password)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def model(cli: Cli) -> str:
    """A domain with a promoted model, trained by the real DAG."""
    trained = cli("retrain", "--domain", "payments")
    assert trained.returncode == 0, trained.stdout[-3000:]
    return "payments"
