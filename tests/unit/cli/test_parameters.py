"""Bad parameters end with one message and exit code 2, before anything is started."""

import argparse
import shutil

import pytest

from patternalarm.cli import load_test, replay, retrain
from patternalarm.cli.__main__ import main
from patternalarm.cli.errors import UsageError
from patternalarm.contracts.pack_folder import PACKS_DIR, generated_domains
from patternalarm.contracts.runs import MAX_SEED, TRAINING_SEEDS_FROM

PACK_WITHOUT_SOURCE = "payments"


@pytest.fixture(autouse=True)
def nothing_is_asked(monkeypatch):
    """Airflow must not be reached."""

    def refuse(*_):
        raise AssertionError("Airflow was asked")

    monkeypatch.setattr("patternalarm.cli.airflow_api.AirflowApi._send", refuse)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["load-test", "--domain", "paymets"],
            "unknown domain paymets: did you mean payments?",
        ),
        (
            ["load-test", "--domain", "poker"],
            f"unknown domain poker: use one of {', '.join(generated_domains())}",
        ),
        (["load-test", "--level", "huge"], "unknown level huge: use one of mini, normal, peak, extreme"),
        (["load-test", "--minutes", "-2"], "minutes -2 is out of bounds: use 0.5 to 120"),
        (["load-test", "--minutes", "nan"], "minutes nan is out of bounds: use 0.5 to 120"),
        (["load-test", "--minutes", "two"], "minutes 'two' is no number: use 0.5 to 120"),
        (["load-test", "--seed", "x7"], "seed 'x7' is no whole number: use 0 to 999999999"),
        (["load-test", "--seed", str(TRAINING_SEEDS_FROM)], "out of bounds"),
        (["load-test", "--seed", ""], "seed '' is no whole number"),
        (["load-test", "--rate", "ten"], "rate 'ten' is no whole number: use 100 to 5000000"),
        (["load-test", "--rate", "99"], "rate 99 is out of bounds: use 100 to 5000000"),
        (["load-test", "--shards", "99"], "shards 99 is out of bounds: use 1 to 8"),
        (["load-test", "--scorer-mode", "batch"], "unknown scorer mode batch: did you mean microbatch?"),
        (["retrain", "--domain", "x"], "unknown domain x: use one of all, "),
        (["retrain", "--seed", "7"], f"use {TRAINING_SEEDS_FROM} to {MAX_SEED}"),
        (["replay"], "no file given: make replay FILE=events.parquet PACK=./its-pack"),
        (["replay", "--file", "/nowhere/x.parquet", "--pack", "p"], "there is no file /nowhere/x.parquet"),
        (["replay", "--file", __file__], "no domain pack given"),
        (["replay", "--file", __file__, "--pack", "nope"], "unknown domain pack nope: use one of"),
        (["replay", "--file", __file__, "--pack", PACK_WITHOUT_SOURCE], "pack payments maps no file"),
        (
            ["replay", "--file", __file__, "--pack", "/nowhere/toll"],
            "there is no folder /nowhere/toll of a domain pack",
        ),
        (["load-test", "--domain", "/nowhere/toll"], "there is no folder /nowhere/toll of a domain pack"),
        (["load-test", "--domain", str(PACKS_DIR / "sparkov")], "sparkov has no activity.py, so there is nobody to"),
        (["retrain", "--domain", str(PACKS_DIR / "sparkov")], "sparkov has no activity.py, so there is nobody to"),
    ],
)
def test_what_cannot_be_is_said_with_what_could(capsys, arguments, message):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A folder ``toll`` of somebody's own, from whose parent commands are given."""
    for shipped, name in (("gaming", "toll"), ("sparkov", "cards")):
        folder = shutil.copytree(PACKS_DIR / shipped, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        pack = folder / "pack.yaml"
        pack.write_text(pack.read_text().replace(f"name: {shipped}", f"name: {name}", 1))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parsed(command, *arguments):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.parameters(parser.parse_args(arguments))


def test_a_folder_of_ones_own_reaches_the_dag_by_its_whole_path(mine):
    assert parsed(load_test, "--domain", "./toll")["domain"] == str(mine / "toll")
    assert parsed(retrain, "--domain", "toll/")["domain"] == str(mine / "toll")
    assert parsed(replay, "--file", "toll/pack.yaml", "--pack", "./cards")["pack"] == str(mine / "cards")
    assert parsed(replay, "--file", "toll/pack.yaml", "--pack", "sparkov")["pack"] == "sparkov"
    assert parsed(load_test, "--domain", "iot")["domain"] == "iot"


def test_a_folder_that_goes_by_a_shipped_ones_name_is_refused(mine):
    (mine / "toll" / "pack.yaml").write_text((PACKS_DIR / "gaming" / "pack.yaml").read_text())
    with pytest.raises(UsageError, match=r"toll/pack\.yaml: its name gaming is taken"):
        parsed(load_test, "--domain", "./toll")


def test_what_is_wrong_in_a_folder_is_told_before_anything_starts(mine):
    (mine / "toll" / "activity.py").write_text("MODEL = nothing\n")
    with pytest.raises(UsageError, match=r"activity toll/activity\.py: line 1: NameError"):
        parsed(load_test, "--domain", "./toll")
    (mine / "toll" / "patterns" / "collusion.sql").write_text("-- nam: x\n")
    for command in (load_test, retrain):
        with pytest.raises(
            UsageError, match=r"pattern collusion\.sql: line 1: unknown header key nam: did you mean name\?"
        ):
            parsed(command, "--domain", "./toll")


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for command in ("load-test", "replay", "retrain", "build-marts", "publish"):
        assert command in shown
