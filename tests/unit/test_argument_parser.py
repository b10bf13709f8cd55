import subprocess

import pytest

from patternalarm.argument_parser import ArgumentParser
from patternalarm.settings import REPOSITORY


@pytest.fixture
def parser():
    parser = ArgumentParser(prog="prog")
    commands = parser.add_subparsers(dest="command", required=True)
    load_test = commands.add_parser("load-test")
    load_test.add_argument("--domain")
    load_test.add_argument("--seed", required=True)
    load_test.add_argument("--mode", choices=["realtime", "microbatch"])
    commands.add_parser("retrain").add_argument("--events")
    return parser


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["load-test", "--domian", "iot"], "prog load-test: error: unknown option --domian: did you mean --domain?"),
        (["load-test", "--domian=iot"], "unknown option --domian: did you mean --domain?"),
        (["load-test", "--dom", "iot"], "unknown option --dom: did you mean --domain?"),
        (["load-test", "--events", "1"], "unknown option --events: use one of --help, --domain, --seed, --mode"),
        (["lod-test"], "prog: error: unknown command lod-test: did you mean load-test?"),
        (["load-test", "--mode", "microbach"], "unknown mode microbach: did you mean microbatch?"),
        (["load-test", "--sed", "7"], "unknown option --sed: did you mean --seed?"),
        (["load-test"], "the following arguments are required: --seed"),
        (["load-test", "--seed", "7", "iot"], "what is 'iot' for? Every value follows its option: --help, --domain"),
        (["load-test", "--seed", "7", "-x"], "what is '-x' for?"),
    ],
)
def test_what_a_command_does_not_know_is_told_with_what_was_meant(parser, capsys, arguments, told):
    with pytest.raises(SystemExit) as ended:
        parser.parse_args(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_what_it_knows_is_parsed_as_ever(parser):
    parsed = parser.parse_args(["load-test", "--domain", "iot", "--seed=-7", "--mode", "realtime"])
    assert (parsed.command, parsed.domain, parsed.seed, parsed.mode) == ("load-test", "iot", "-7", "realtime")


def test_every_command_of_the_repository_is_parsed_by_it():
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    own = [name for name in listed.stdout.splitlines() if not name.startswith("tests/")]
    stock = [name for name in own if "argparse.ArgumentParser(" in (REPOSITORY / name).read_text()]
    # Run by the system's Python 3.9 or newer, before there is an environment that could import ours.
    assert stock == ["infra/local/environments.py"]
    assert sum("ArgumentParser(" in (REPOSITORY / name).read_text() for name in own) > 10
