"""How a process's end is told."""

import pytest

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.engines.process_state import ProcessState


@pytest.mark.parametrize(
    ("state", "exit_code", "restarts", "alive", "words"),
    [
        ("RUNNING", None, True, True, "p is running"),
        ("EXITED", 0, True, False, "p ended with exit code 0"),
        ("EXITED", 2, True, False, "p ended with exit code 2"),
        ("EXITED", ExitCode.START_AGAIN, True, True, f"p ended with exit code {ExitCode.START_AGAIN}"),
        ("EXITED", -1, True, True, "p was killed by a signal"),
        ("EXITED", -1, False, False, "p was killed by a signal"),
        ("FATAL", None, True, False, "p does not stay up"),
        ("STOPPED", 0, True, False, "p was stopped"),
    ],
)
def test_only_accidents_are_restarted(state, exit_code, restarts, alive, words):
    process = ProcessState("p", state, 0, exit_code, 1, restarts)
    assert process.alive is alive
    assert process.describe() == words
    ending = "; its log ends with: why" if exit_code == -1 else ": why"
    assert process.describe(["why"]) == f"{words}{ending}"


@pytest.mark.parametrize(
    ("signal", "words"),
    [("SIGKILL", "p was killed by SIGKILL, out of memory?"), ("SIGSEGV", "p was killed by SIGSEGV")],
)
def test_a_signal_is_told_by_name(signal, words):
    assert ProcessState("p", "EXITED", 0, -1, 1, restarts=False, signal=signal).describe() == words


@pytest.mark.parametrize(("restarts", "started_at", "alive"), [(True, 0, True), (False, 0, False), (True, 1, False)])
def test_what_its_supervisor_was_killed_with_is_about_to_be_started_again(restarts, started_at, alive):
    assert ProcessState("p", "STOPPED", 0, None, started_at, restarts).alive is alive
