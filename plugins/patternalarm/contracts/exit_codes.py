"""What the exit code of a command or of a process says, the same for all of them."""

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """How a command or a process ended, 0 being that it did what it was asked."""

    FAILED = 1
    """It was begun and did not reach what was asked: a threshold missed, a ledger open, an engine that refused it."""
    BAD_INPUT = 2
    """It cannot do what was asked, or cannot reach what it needs, and began nothing; argparse's own code, too."""
    NOT_PROMOTABLE = 3
    """The model is whole and misses a gate of its promotion."""
    START_AGAIN = 75
    """As EX_TEMPFAIL of sysexits.h: an accident of its surroundings, no verdict of its own; started again it goes on."""
    INTERRUPTED = 130
    """Somebody pressed Ctrl-C: 128 and the number of SIGINT, as shells tell it."""


# A process gives its own verdict with one of these; anything else, a signal above all, is an accident and is restarted.
VERDICT_EXIT_CODES: Final = range(11)
