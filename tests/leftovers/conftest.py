"""Load tests that are stopped, on a platform of the tests' own with a model for them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from leftovers.person import Person

from patternalarm.settings import Settings, get_settings

REPOSITORY = Path(__file__).resolve().parents[2]


def _module(name: str, *arguments: str) -> list[str]:
    return [str(REPOSITORY / ".venvs" / "services" / "bin" / "python"), "-m", name, *arguments]


@pytest.fixture(scope="session")
def platform() -> Iterator[Settings]:
    """The platform, up, with a model; afterwards it must go down and leave no process."""
    if "PATTERNALARM_HOME" not in os.environ:
        pytest.exit("load tests are stopped on a platform of the tests' own: run `make leftovers`", returncode=1)
    subprocess.run(_module("infra.local.platform", "up"), cwd=REPOSITORY, check=True)
    subprocess.run(
        _module("patternalarm.cli", "load-test", "--level", "mini", "--minutes", "0.5", "--no-strict"), cwd=REPOSITORY
    )
    get_settings.cache_clear()
    yield get_settings()
    subprocess.run(_module("infra.local.platform", "down"), cwd=REPOSITORY, check=True)


@pytest.fixture(scope="session")
def person(platform: Settings) -> Person:
    """Who stops them."""
    return Person(platform)
