import os
import signal

import pytest

from patternalarm.generator.command_line import StopFlag, StoppedError, run_command, time_argument
from patternalarm.generator.foreign.file import ForeignFileError
from patternalarm.generator.publishing.producer import DeliveryError, UnreachableError
from patternalarm.generator.publishing.shard_ledger import AlreadyGeneratedError


def raising(error):
    def body():
        raise error

    return body


@pytest.fixture
def sigterm():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UnreachableError("no Kafka"), 2),
        (DeliveryError("3 records lost"), 1),
        (AlreadyGeneratedError("again"), 1),
        (StoppedError("stopped"), 1),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_code(error, code, capsys):
    assert run_command(raising(error)) == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_a_commands_own_errors_are_bad_input_for_it_alone(capsys):
    error = ForeignFileError("no such column")
    assert run_command(raising(error), ForeignFileError) == 2
    with pytest.raises(ForeignFileError):
        run_command(raising(error))


def test_defects_are_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        run_command(lambda: 1 / 0)


def test_done_is_0():
    assert run_command(lambda: None) == 0


def test_sigterm_raises_the_flag_and_the_next_check_stops(sigterm):
    stop = StopFlag()
    stop.check()
    os.kill(os.getpid(), signal.SIGTERM)
    assert stop.raised
    with pytest.raises(StoppedError):
        stop.check()


@pytest.mark.parametrize(
    "text", ["2026-11-24T05:30:00.250Z", "2026-11-24T05:30:00.250", "2026-11-24T06:30:00.250+01:00"]
)
def test_times_are_utc_unless_they_say_otherwise(text):
    assert time_argument(text) == 1_795_498_200_250
