import os
import shutil
import subprocess

import pytest
from infra.local.machine import REPOSITORY

ASKED_FOR = {
    "demo",
    "test",
    "up",
    "down",
    "status",
    "logs",
    "clean",
    "help",
    "load-test",
    "replay",
    "bench",
    "fuzz",
    "lint",
}


def _make(directory, *arguments, **environment):
    return subprocess.run(
        ["make", *arguments],
        cwd=directory,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_help_lists_what_people_run_and_is_what_make_alone_shows():
    shown = _make(REPOSITORY, "help")
    assert {line.split()[1] for line in shown.splitlines()} == ASKED_FOR
    assert _make(REPOSITORY) == shown


@pytest.fixture
def copy(tmp_path):
    """The Makefile with a target that shows an exported setting."""
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    (tmp_path / "show.mk").write_text("show:\n\t@echo $$PATTERNALARM_KAFKA_PORT\n")
    (tmp_path / ".env").write_text("# ports\nPATTERNALARM_KAFKA_PORT=1234\n")
    return tmp_path


def test_settings_come_from_the_env_file_and_the_environment_wins(copy):
    files = ("-f", "Makefile", "-f", "show.mk", "show")
    assert _make(copy, *files) == "1234\n"
    assert _make(copy, *files, PATTERNALARM_KAFKA_PORT="4321") == "4321\n"


def test_a_value_with_shell_in_it_stays_a_value(tmp_path):
    shown = _make(REPOSITORY, "-n", "load-test", "DOMAIN=$(touch boom)'; touch boom")
    assert '--domain "$DOMAIN"' in shown
    assert "touch boom" not in shown
