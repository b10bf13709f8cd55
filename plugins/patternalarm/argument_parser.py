"""The argument parser of every command: what it does not know it refuses, with what was probably meant."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

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
