"""Checks of what people give on the command line, each with a message that says what could be."""

from collections.abc import Sequence

from patternalarm.cli.errors import UsageError
from patternalarm.did_you_mean import did_you_mean


def chosen(what: str, value: str, choices: Sequence[str]) -> str:
    """``value``, one of ``choices``.

    Raises:
        UsageError: it is none of them.
    """
    if value not in choices:
        raise UsageError(did_you_mean(what, value, choices))
    return value


def number_between(what: str, value: str, lowest: float, highest: float) -> float:
    """``value`` as a number within the limits.

    Raises:
        UsageError: it is no number, or outside.
    """
    try:
        number = float(value)
    except ValueError:
        raise UsageError(f"{what} {value!r} is no number: use {lowest:g} to {highest:g}") from None
    if not lowest <= number <= highest:
        raise UsageError(f"{what} {value} is out of bounds: use {lowest:g} to {highest:g}")
    return number


def whole_number_between(what: str, value: str, lowest: int, highest: int) -> int:
    """``value`` as a whole number within the limits.

    Raises:
        UsageError: it is no whole number, or outside.
    """
    try:
        number = int(value)
    except ValueError:
        raise UsageError(f"{what} {value!r} is no whole number: use {lowest} to {highest}") from None
    if not lowest <= number <= highest:
        raise UsageError(f"{what} {value} is out of bounds: use {lowest} to {highest}")
    return number
