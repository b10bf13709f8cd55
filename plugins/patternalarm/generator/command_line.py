"""What the generator's commands share: argument types, logging, connections, and errors as one message each.

Exit code 2 is bad input or an engine that cannot be reached; 1 is a run that did not publish what it should.
"""

import argparse
import logging
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from types import FrameType

import psycopg

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.pack_folder import PackError
from patternalarm.contracts.runs import MAX_SEED, check_run_id
from patternalarm.contracts.tables import PLATFORM_ROLE
from patternalarm.generator.activity.activity_file import ActivityError
from patternalarm.generator.publishing.producer import DeliveryError, UnreachableError
from patternalarm.generator.publishing.shard_ledger import AlreadyGeneratedError
from patternalarm.postgres import Database, unusable
from patternalarm.settings import get_settings


class StoppedError(RuntimeError):
    """SIGTERM came before everything was published."""


def run_command(body: Callable[[], None], *bad_input: type[Exception]) -> int:
    """Call ``body``; what can go wrong becomes one message on stderr and an exit code, defects are left to raise.

    ``bad_input`` are errors of the one command that stand for bad input.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    wrong_input: tuple[type[Exception], ...] = (PackError, ActivityError, UnreachableError, *bad_input)
    try:
        body()
    except wrong_input as error:
        return _say(str(error), ExitCode.BAD_INPUT)
    except psycopg.OperationalError as error:
        return _say(unusable(get_settings(), error), ExitCode.BAD_INPUT)
    except (DeliveryError, AlreadyGeneratedError, StoppedError) as error:
        return _say(str(error), ExitCode.FAILED)
    return 0


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"error: {message}\n")
    return code


def database() -> Database:
    """The platform's database as its role; what is written there is written once, also over a connection that is lost."""
    return Database(get_settings(), PLATFORM_ROLE)


class StopFlag:
    """Whether SIGTERM has come; it no longer ends the process by itself."""

    def __init__(self) -> None:
        self.raised = False
        signal.signal(signal.SIGTERM, self._raise)

    def check(self) -> None:
        """Stop here if asked to.

        Raises:
            StoppedError: SIGTERM has come.
        """
        if self.raised:
            raise StoppedError("stopped by SIGTERM before everything was published")

    def _raise(self, _number: int, _frame: FrameType | None) -> None:
        self.raised = True


def run_id_argument(text: str) -> str:
    """A run id.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        return check_run_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def seed_argument(text: str) -> int:
    """A seed, 0 to ``MAX_SEED``.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) > MAX_SEED:
        raise argparse.ArgumentTypeError(f"seed {text!r}: use a whole number from 0 to {MAX_SEED}")
    return int(text)


def count_argument(text: str) -> int:
    """A whole number from 1 on.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: use a whole number from 1 on")
    return int(text)


def positive_argument(text: str) -> float:
    """A number above 0.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        number = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from error
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: use a number above 0")
    return number


def time_argument(text: str) -> int:
    """An ISO 8601 time as epoch milliseconds; without an offset it is UTC.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no ISO 8601 time, like 2026-11-24T05:30:00Z") from error
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
