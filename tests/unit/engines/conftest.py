"""The engines that these tests use are real."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from moving_clock import clock as clock


@pytest.fixture(scope="module")
def supervised(tmp_path_factory):
    """Settings of a platform of which only the supervisor runs."""
    from supervisord import supervisord

    with supervisord(tmp_path_factory.mktemp("home")) as settings:
        yield settings
