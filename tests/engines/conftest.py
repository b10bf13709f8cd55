"""Every target that must pass the contract, by name; a later one is added here and nowhere else."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

TARGETS = ["local", "double"]


@pytest.fixture(scope="module", params=TARGETS)
def target(request):
    return request.param


@pytest.fixture(scope="module")
def supervised(tmp_path_factory):
    """Settings of a platform of which only the supervisor runs."""
    from supervisord import supervisord

    with supervisord(tmp_path_factory.mktemp("home")) as settings:
        yield settings


@pytest.fixture
def processes(target, request, tmp_path):
    """The target's processes; what a test leaves behind is removed."""
    from engine_doubles import SubprocessProcesses

    from patternalarm.engines.local.processes import SupervisedProcesses

    if target == "local":
        made = SupervisedProcesses(request.getfixturevalue("supervised"))
    else:
        made = SubprocessProcesses(tmp_path)
    yield made
    for name in made.names(""):
        made.remove(name)


@pytest.fixture
def files(target, tmp_path):
    """The target's files."""
    from engine_doubles import FilesInMemory

    from patternalarm.engines.local.files import LocalFiles
    from patternalarm.settings import Settings

    return LocalFiles(Settings(home=tmp_path)) if target == "local" else FilesInMemory()


@pytest.fixture
def capacity(target):
    """The target's capacity."""
    from engine_doubles import CountedCapacity

    from patternalarm.engines.local.capacity import FixedCapacity

    return FixedCapacity() if target == "local" else CountedCapacity()
