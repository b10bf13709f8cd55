"""What the disk holds beyond the contract of ``tests/engines``."""

from patternalarm.engines.local.files import LocalFiles
from patternalarm.settings import Settings


def test_a_directory_goes_with_everything_in_it_and_nothing_beside_it(tmp_path):
    files = LocalFiles(Settings(home=tmp_path))
    for scope in ("run-1", "run-10"):
        (tmp_path / "runs" / scope / "scorer-checkpoint").mkdir(parents=True)
    files.remove("run-1")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["run-10"]
