"""The argument parser of every command: what it does not know it refuses, with what was probably meant."""

import argparse
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
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            options = [option for option in self._option_string_actions if option.startswith("--")]
            name = next((given for given in unknown if given.startswith("-")), "")
            if not name:
                self.error(f"what is {unknown[0]!r} for? Every value follows its option: {', '.join(options)}")
            self.error(did_you_mean("option", name.partition("=")[0], options))
        return parsed, unknown

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = action.choices
        if choices is not None and value not in choices:
            what = "command" if isinstance(action, argparse._SubParsersAction) else action.metavar or action.dest
            self.error(did_you_mean(str(what), str(value), [str(choice) for choice in choices]))
        super()._check_value(action, value)
