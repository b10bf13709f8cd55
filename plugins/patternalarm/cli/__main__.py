"""Starts what the DAGs do, follows it with progress, shows its report.

Exit codes: 0 passed or done, 1 missed a threshold or failed, 2 parameters that cannot be, before anything was started.
"""

import argparse
import sys
from typing import Final, Protocol

from rich.console import Console

from patternalarm.argument_parser import ArgumentParser
from patternalarm.cli import load_test, replay, retrain
from patternalarm.cli.dag_command import DagCommand
from patternalarm.cli.errors import PlatformError, UsageError
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.settings import Settings, SettingsError, get_settings


class Command(Protocol):
    """What a subcommand consists of."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare its options."""

    def run(self, arguments: argparse.Namespace, settings: Settings, console: Console) -> int:
        """Do it; the exit code."""


COMMANDS: Final[dict[str, tuple[Command, str]]] = {
    "load-test": (load_test, "run a graded load test; the exit code is its verdict"),
    "replay": (replay, "send a file of events through the whole path, graded"),
    "retrain": (retrain, "train, check and promote the model of a domain"),
    "build-marts": (DagCommand("build_alert_marts"), "build the alert marts, model by model"),
    "publish": (DagCommand("publish_dashboards"), "publish the dashboards to Superset"),
}


def main(argv: list[str] | None = None) -> int:
    """Run one command; its exit code."""
    parser = ArgumentParser(prog="python -m patternalarm.cli", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, (command, text) in COMMANDS.items():
        command.add_arguments(subparsers.add_parser(name, help=text, description=text))
    arguments = parser.parse_args(argv)
    # A log has no width; wrapped at 80 its lines would be hard to search.
    console = Console(width=None if sys.stdout.isatty() else 200)
    try:
        return COMMANDS[arguments.command][0].run(arguments, get_settings(), console)
    except (UsageError, SettingsError) as error:
        sys.stderr.write(f"error: {error}\n")
        return ExitCode.BAD_INPUT
    except PlatformError as error:
        sys.stderr.write(f"error: {error}\n")
        return ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
