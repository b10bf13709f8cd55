"""Bad parameters end with one message and exit code 2, before anything is started."""

import pytest

from patternalarm.cli.__main__ import main
from patternalarm.contracts.pack_folder import generated_domains
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
    ],
)
def test_what_cannot_be_is_said_with_what_could(capsys, arguments, message):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    for command in ("load-test", "replay", "retrain", "build-marts", "publish"):
        assert command in shown
