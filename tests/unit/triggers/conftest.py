"""These tests need Airflow, so they are collected in its environment alone; the engines they use are real."""

import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

collect_ignore_glob = [] if find_spec("airflow") else ["test_*.py"]


@pytest.fixture(scope="module")
def supervised(tmp_path_factory):
    """Settings of a platform of which only the supervisor runs."""
    from supervisord import supervisord

    with supervisord(tmp_path_factory.mktemp("home")) as settings:
        yield settings


@pytest.fixture
def processes(supervised, monkeypatch):
    """The processes as the triggers reach them."""
    from patternalarm.engines import target
    from patternalarm.engines.local.processes import SupervisedProcesses

    hook = SupervisedProcesses(supervised)
    monkeypatch.setattr(target, "processes", lambda: hook)
    return hook
