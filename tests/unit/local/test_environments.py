import errno
import io
import threading

import pytest
from infra.local import environments
from infra.local.progress import Progress, StepError


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository with nothing made yet; the commands that would be run are collected."""
    commands = []
    monkeypatch.setattr(environments, "REPOSITORY", tmp_path)
    monkeypatch.setattr(environments, "GROUPS", ("services", "flink"))
    monkeypatch.setattr(environments, "run_quietly", lambda name, command, *_, **__: commands.append(name))
    for group in environments.GROUPS:
        (tmp_path / ".venvs" / group).mkdir(parents=True)
    (tmp_path / "uv.lock").write_text("lock")
    (tmp_path / "pyproject.toml").write_text("project")
    return tmp_path, commands


def test_environments_are_made_once_and_again_when_the_lock_changes(repository):
    directory, commands = repository
    said = io.StringIO()
    for lock in ("lock", "lock", "another"):
        (directory / "uv.lock").write_text(lock)
        environments.make_environments(Progress(said))
    assert commands == ["uv sync for services", "uv sync for flink"] * 2
    assert said.getvalue().count("skipped: services, flink") == 1


def test_a_group_is_made_alone_and_without_what_is_named(repository, monkeypatch):
    commands = []
    monkeypatch.setattr(environments, "run_quietly", lambda _, command, *__, **___: commands.append(command[1:]))
    assert environments.main(["flink", "--without", "apache-beam,pandas"]) == 0
    left_out = ["--no-install-package", "apache-beam", "--no-install-package", "pandas"]
    assert commands == [["sync", "--frozen", "--group", "flink", *left_out]]


@pytest.mark.parametrize("arguments", [["flink", "jars"], ["jars", "--without", "pandas"], ["uv", "jars"]])
def test_groups_and_wholes_are_not_mixed(arguments, capsys):
    assert environments.main(arguments) == 2
    assert "usage" in capsys.readouterr().err


def test_an_interrupted_environment_is_made_again(repository, monkeypatch):
    _, commands = repository

    def fail(*_, **__):
        raise StepError("no network")

    with monkeypatch.context() as patch:
        patch.setattr(environments, "run_quietly", fail)
        with pytest.raises(StepError):
            environments.make_environments(Progress(io.StringIO()))
    environments.make_environments(Progress(io.StringIO()))
    assert commands == ["uv sync for services", "uv sync for flink"]


def test_without_a_jdk_maven_is_not_started(monkeypatch, tmp_path):
    monkeypatch.setattr(environments.machine, "find_jdk", lambda: None)
    with pytest.raises(StepError, match="no JDK 17 or 21"):
        environments._maven("kafka", tmp_path / "pom.xml", "package")


def test_an_unknown_argument_is_refused(capsys):
    assert environments.main(["everything"]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_second_one_waits_for_the_first_in_the_same_clone(repository):
    said = io.StringIO()
    order = []

    def second():
        with environments.one_at_a_time(Progress(said)):
            order.append("second")

    other = threading.Thread(target=second)
    with environments.one_at_a_time(Progress(io.StringIO())):
        other.start()
        while "another make installs in this clone" not in said.getvalue():
            assert other.is_alive()
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_a_full_disk_is_told_in_one_line(repository, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device", ".venvs/services")

    monkeypatch.setattr(environments, "make_uv", full)
    assert environments.main(["envs"]) == 1
    assert capsys.readouterr().err == "[Errno 28] No space left on device: '.venvs/services'\n"
