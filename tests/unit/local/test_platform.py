import io
import os
import socket

import pytest
from infra.local import platform as local_platform
from infra.local.platform import Platform, UsageError, exclusively
from infra.local.progress import Progress

from patternalarm.settings import get_settings


@pytest.fixture
def made(configuration):
    """A platform that is down."""

    def make(**changes):
        free = {name: _free_port() for name in configuration().ports()}
        return Platform(configuration(**{**free, **changes}), Progress(io.StringIO()))

    return make


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_busy_port_is_named_with_its_holder_and_its_setting_before_anything_is_started(made):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        platform = made(postgres_port=port)
        expected = rf"port {port} is in use by process {os.getpid()} .*PATTERNALARM_POSTGRES_PORT=<port> make up"
        with pytest.raises(UsageError, match=expected):
            platform.up()
    assert not platform.configuration.supervisor_file.exists()


def test_two_settings_with_one_port_are_named(made):
    with pytest.raises(UsageError, match="PATTERNALARM_KAFKA_PORT, PATTERNALARM_POSTGRES_PORT"):
        made(kafka_port=40_000, postgres_port=40_000).up()


def test_down_of_a_platform_that_is_down_says_so(made):
    platform = made()
    platform.down()
    assert platform.progress._stream.getvalue().splitlines()[-1].endswith("no process is left")


def test_down_forgets_the_processes_of_runs(made):
    platform = made()
    platform.configuration.write()
    (platform.configuration.run_directory / "scorer.conf").write_text("[program:scorer]\n")
    platform.down()
    assert list(platform.configuration.run_directory.iterdir()) == []


def test_clean_removes_state_and_keeps_what_was_fetched_and_other_platforms(made):
    platform = made()
    home = platform.home
    for kept in ("jars/kafka/kafka.jar", "uv/bin/uv", "test/secrets.env", "test/kafka/data"):
        (home / kept).parent.mkdir(parents=True, exist_ok=True)
        (home / kept).touch()
    platform.configuration.write()
    platform.clean()
    assert {entry.name for entry in home.iterdir()} == {"jars", "uv", "test"}
    assert (home / "jars/kafka/kafka.jar").exists()
    assert (home / "test/kafka/data").exists()


def test_two_commands_at_once_are_refused(tmp_path):
    with exclusively(tmp_path), pytest.raises(UsageError, match="is at work"), exclusively(tmp_path):
        pass


@pytest.fixture
def command(tmp_path, monkeypatch):
    """The command line on a home of the test's own."""
    monkeypatch.setenv("PATTERNALARM_HOME", str(tmp_path))
    monkeypatch.setenv("PATTERNALARM_SUPERVISOR_PORT", str(_free_port()))
    monkeypatch.delenv("YES", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    get_settings.cache_clear()
    yield local_platform.main
    get_settings.cache_clear()


def test_clean_asks_a_person_or_needs_yes(command, capsys):
    assert command(["clean"]) == 2
    assert "YES=1" in capsys.readouterr().err


def test_a_wrong_setting_is_named(command, capsys, monkeypatch):
    monkeypatch.setenv("PATTERNALARM_KAFKA_PORT", "many")
    assert command(["status"]) == 2
    assert "PATTERNALARM_KAFKA_PORT=many" in capsys.readouterr().err


def test_status_of_a_platform_that_is_down_says_how_to_start_it(command, capsys):
    assert command(["status"]) == 1
    # The line is wrapped where the path of the home is long.
    assert "make up" in " ".join(capsys.readouterr().out.split())


def test_logs_of_an_unknown_program_names_those_that_there_are(command, capsys, tmp_path):
    for name in ("kafka.log", "jobs/scorer.log"):
        (tmp_path / "logs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "logs" / name).write_text("1\n2\n3\n")
    assert command(["logs", "kafak"]) == 2
    assert capsys.readouterr().err == "unknown log kafak: did you mean kafka?\n"
    assert command(["logs"]) == 2
    assert "make logs S=<one of kafka, scorer>" in capsys.readouterr().err
    assert command(["logs", "scorer", "--lines", "2"]) == 0
    assert capsys.readouterr().out == "2\n3\n"
