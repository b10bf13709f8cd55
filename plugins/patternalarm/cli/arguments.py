"""Checks of what people give on the command line, each with a message that says what could be."""

from collections.abc import Sequence

from patternalarm.cli.errors import UsageError
from patternalarm.contracts.domain_pack import DomainPack, chosen_pack
from patternalarm.contracts.pack_folder import PackError, find_pack, is_path
from patternalarm.did_you_mean import did_you_mean
from patternalarm.patterns import PatternError, load_patterns


def chosen(what: str, value: str, choices: Sequence[str]) -> str:
    """``value``, one of ``choices``.

    Raises:
        UsageError: it is none of them.
    """
    if value not in choices:
        raise UsageError(did_you_mean(what, value, choices))
    return value


def pack_given(value: str) -> tuple[str, DomainPack]:
    """A domain pack as a DAG takes it, the name of a shipped one or the absolute path of a folder, and what it says.

    Raises:
        UsageError: there is none, or it or a pattern of it cannot be; the message says what could.
    """
    try:
        folder, pack = find_pack(value), chosen_pack(value)
        load_patterns(folder, pack)
    except (PackError, PatternError) as error:
        raise UsageError(str(error)) from None
    return str(folder) if is_path(value) else value, pack


def domain_given(value: str, choices: Sequence[str]) -> str:
    """A domain as a DAG takes it, one of ``choices`` or the absolute path of a pack's folder, whose activity plays.

    Raises:
        UsageError: it is neither.
    """
    if not is_path(value):
        return chosen("domain", value, choices)
    # It takes numpy, which no other command needs.
    from patternalarm.generator.activity.activity_file import ActivityError, check_activity, load_activity

    folder, pack = pack_given(value)
    try:
        check_activity(load_activity(folder), pack)
    except (PackError, ActivityError) as error:
        raise UsageError(str(error)) from None
    return folder


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
