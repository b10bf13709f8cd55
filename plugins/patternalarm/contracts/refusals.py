"""SQLSTATEs with which the rules of cases and allow-lists refuse a row; the migrations hold the rules.

The error's primary message says what is wrong, its hint is the remedy.
"""

from enum import StrEnum


class Refusal(StrEnum):
    """Why the database refused what an analyst wanted."""

    STALE_VERSION = "PA001"
    """Somebody else wrote to the case since it was read."""
    NOT_IN_THIS_STATE = "PA002"
    """What is asked for cannot be done to a case or entry that is where this one is."""
    NOT_VALID = "PA003"
    """A value is missing or out of its bounds."""
    APPEND_ONLY = "PA004"
    """History is not changed."""
    SAME_PERSON = "PA005"
    """Two pairs of eyes are asked for, and this is one."""
