"""The contract of ``Files``."""

import pytest


def test_a_directory_is_there_from_its_making_to_its_removal(files):
    assert not files.exists("run-1")
    assert files.make("run-1") == files.make("run-1") == files.directory("run-1")
    assert files.exists("run-1")
    files.remove("run-1")
    files.remove("run-1")
    assert not files.exists("run-1")


def test_scopes_do_not_share_anything(files):
    for scope in ("run-1", "run-10", "live"):
        files.make(scope)
    assert files.scopes() == ["live", "run-1", "run-10"]
    files.remove("run-1")
    assert files.scopes() == ["live", "run-10"]
    assert files.exists("run-10")
    assert files.exists("live")
    assert len({files.directory(scope) for scope in ("run-1", "run-10", "live")}) == 3


def test_checkpoints_lie_where_they_go_with_the_scope(files):
    place = files.checkpoints("run-1")
    assert "://" in place
    assert files.directory("run-1").removeprefix("memory://") in place
    assert place != files.checkpoints("run-10")


@pytest.mark.parametrize("scope", ["", ".", "..", "../run-1", "a/b", "/tmp"])
@pytest.mark.parametrize("method", ["directory", "make", "exists", "remove", "checkpoints"])
def test_a_path_is_no_scope(files, method, scope):
    with pytest.raises(ValueError, match="scope"):
        getattr(files, method)(scope)
