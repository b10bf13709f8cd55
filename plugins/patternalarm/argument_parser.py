"""The argument parser of every command: what it does not know it refuses, with what was probably meant."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patternalarm.contracts.runs import LIVE_SCOPE, check_run_id
from patternalarm.did_you_mean import did_you_mean


class ArgumentParser(argparse.ArgumentParser):
    """argparse's, but an option is written out, and an unknown option, command or choice is told with the nearest one.

    Subparsers are of this class too, so that an option of one command is told with those of that command.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse; nothing unknown is left over, exit code 2 for it."""
        given = list(sys.argv[1:] if args is None else args)
        # Before argparse misses the required option that was misspelt. What follows a command is its own parser's.
        self._refuse_unknown_options([] if self._subparsers else given)
        parsed, unknown = super().parse_known_args(given, namespace)
        self._refuse_unknown_options(unknown)
        if unknown:
            self.error(f"what is {unknown[0]!r} for? Every value follows its option: {', '.join(self._long_options)}")
        return parsed, unknown

    @property
    def _long_options(self) -> list[str]:
        return [option for option in self._option_string_actions if option.startswith("--")]

    def _refuse_unknown_options(self, given: Sequence[str]) -> None:
        for argument in given:
            name = argument.partition("=")[0]
            if name.startswith("--") and name not in ("--", *self._long_options):
                self.error(did_you_mean("option", name, self._long_options))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = action.choices
        if choices is not None and value not in choices:
            what = "command" if isinstance(action, argparse._SubParsersAction) else action.metavar or action.dest
            self.error(did_you_mean(str(what), str(value), [str(choice) for choice in choices]))
        super()._check_value(action, value)


def scope_argument(text: str) -> str:
    """Type of an argument: ``live``, or the run_id of an isolated run."""
    try:
        return text if text == LIVE_SCOPE else check_run_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def new_file_argument(text: str) -> Path:
    """Type of an argument: a file to be made, in a directory that is there."""
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {path.parent}; make it first")
    return path
