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
    "api-key",
    "api-keys",
    "bench",
    "study-batching",
    "study-capacity",
    "fuzz",
    "faults",
    "leftovers",
    "compose-test",
    "lint",
    "audit",
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
    (tmp_path / "show.mk").write_text("include Makefile\nshow:\n\t@echo $$PATTERNALARM_KAFKA_PORT\n")
    (tmp_path / ".env").write_text("# ports\nPATTERNALARM_KAFKA_PORT=1234\n")
    return tmp_path


def test_settings_come_from_the_env_file_and_the_environment_wins(copy):
    files = ("-f", "show.mk", "show")
    assert _make(copy, *files) == "1234\n"
    assert _make(copy, *files, PATTERNALARM_KAFKA_PORT="4321") == "4321\n"


def test_a_value_with_shell_in_it_stays_a_value(tmp_path):
    shown = _make(REPOSITORY, "-n", "load-test", "DOMAIN=$(touch boom)'; touch boom")
    assert '--domain "$DOMAIN"' in shown
    assert "touch boom" not in shown


def _refused(*arguments, directory=REPOSITORY):
    """What make says to something that it refuses, before any recipe has run."""
    done = subprocess.run(
        ["make", *arguments],
        cwd=directory,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["load-test", "DOMIAN=iot"], "unknown make load-test variable DOMIAN: did you mean DOMAIN?"),
        (["load-test", "domain=iot"], "unknown make load-test variable domain: did you mean DOMAIN?"),
        (["load-test", "STRCT=false"], "did you mean STRICT?"),
        (["load-test", "FILE=x"], "unknown make load-test variable FILE: use one of DOMAIN, LEVEL"),
        (["replay", "PAK=x", "FILE=p"], "unknown make replay variable PAK: did you mean PACK?"),
        (["test", "SUITE=unit"], "did you mean SUITES?"),
        (["logs", "NAME=kafka"], "unknown make logs variable NAME: use one of S"),
        (["demo", "DOMAIN=iot"], "unknown make demo variable DOMAIN: there are none"),
        (["DOMAIN=iot"], "unknown make help variable DOMAIN: there are none"),
        (["load-test", "x';>boom;'=1"], "unknown make load-test variable"),
        (["lod-test"], "unknown target lod-test: did you mean load-test?"),
        (["';>boom;'"], "unknown target"),
        (["load-test", "gaming"], "unknown target gaming: use one of help, demo"),
        (["up", "load tset"], "unknown target load: did you mean load-test?"),
        (["load-test", "MY NAME=x"], "unknown target MY"),
    ],
)
def test_a_name_that_make_does_not_know_is_told_and_not_ignored(arguments, told):
    assert told in _refused(*arguments)
    assert not (REPOSITORY / "boom").exists()


@pytest.mark.parametrize("target", sorted(ASKED_FOR))
def test_every_target_refuses_what_it_does_not_take(target):
    assert f"unknown make {target} variable DOMIAN" in _refused("-n", target, "DOMIAN=iot")


@pytest.mark.parametrize(
    ("given", "option"), [([], "--strict"), (["STRICT="], "--strict"), (["STRICT=true"], "--strict")]
)
def test_a_load_test_is_strict_unless_told_otherwise(given, option):
    assert _make(REPOSITORY, "-n", "load-test", *given).rstrip().endswith(f" {option}")


def test_both_halves_of_the_fuzz_are_run_as_long_as_asked():
    shown = _make(REPOSITORY, "-n", "fuzz", "RUNS=5", "EXAMPLES=3")
    assert 'FuzzRun "$RUNS" "$SEED"' in shown
    assert 'FUZZ_EXAMPLES="$EXAMPLES"' in shown and shown.rstrip().endswith("run_tests fuzz")


def test_faults_draw_a_seed_unless_one_is_given():
    script = "include Makefile\nshow:\n\t@echo [$(FAULTS_SEED)]\n"
    shown = [
        subprocess.run(
            ["make", "-f", "-", "show"],
            input=script,
            cwd=REPOSITORY,
            env={"PATH": os.environ["PATH"], **given},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for given in ({}, {"SEED": "5"})
    ]
    assert shown == ["[]\n", "[5]\n"]
    assert 'FAULTS=all FAULTS_SCHEDULES="$SCHEDULES"' in _make(REPOSITORY, "-n", "faults", "SCHEDULES=20", "SEED=3")


def test_a_load_test_can_let_speed_be():
    assert _make(REPOSITORY, "-n", "load-test", "STRICT=false").rstrip().endswith(" --no-strict")
    assert "STRICT is true or false, not flase" in _refused("load-test", "STRICT=flase")


def test_what_needs_an_installation_says_so_without_one(tmp_path):
    shutil.copy(REPOSITORY / "Makefile", tmp_path)
    for target in ("down", "status", "logs", "clean", "load-test", "replay"):
        assert "nothing is installed yet; run: make up" in _refused(target, directory=tmp_path)
