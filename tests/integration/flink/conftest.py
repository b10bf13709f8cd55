"""Flink and its ZooKeeper beside the stores of the test platform."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "tests"), str(Path(__file__).resolve().parent)]

from infra.local.platform import Platform, load_configuration  # noqa: E402
from infra.local.progress import Progress  # noqa: E402

FLINK = ("flink-taskmanager", "flink-jobmanager", "zookeeper")


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """The test platform, with Flink up; afterwards Flink is stopped."""
    with Progress() as progress:
        platform = Platform(load_configuration(), progress)
        platform.bring_up_flink()
        yield platform
        platform.supervisor.stop(FLINK, 60)
