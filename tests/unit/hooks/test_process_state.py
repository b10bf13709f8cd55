"""How a process's end is told."""

import pytest

from patternalarm.hooks.process_state import ProcessState, telling_line


@pytest.mark.parametrize(
    ("log", "line"),
    [
        ([], ""),
        (["", "  "], ""),
        (["first", "last"], "last"),
        (
            ["12:00 ERROR validate_model: recall is 0.65, asked is 0.8", "{", "}", "12:01 INFO py4j: Closing down"],
            "12:00 ERROR validate_model: recall is 0.65, asked is 0.8",
        ),
        (["error: the ledger is not closed", "12:01 INFO done"], "error: the ledger is not closed"),
        (["Traceback (most recent call last):", "  x", "ValueError: no such column", ""], "ValueError: no such column"),
        (["org.apache.kafka.KafkaException: gone", "\tat x"], "org.apache.kafka.KafkaException: gone"),
        (["run missed 1 of its thresholds:", "  recall 0.7, asked 0.8", "12:01 INFO bye"], "recall 0.7, asked 0.8"),
        (["12:01 INFO one", "12:02 WARN two"], "12:02 WARN two"),
    ],
)
def test_the_line_that_tells_most(log, line):
    assert telling_line(log) == line


@pytest.mark.parametrize(
    ("state", "exit_code", "restarts", "alive", "words"),
    [
        ("RUNNING", None, True, True, "p is running"),
        ("EXITED", 0, True, False, "p ended with exit code 0"),
        ("EXITED", 2, True, False, "p ended with exit code 2"),
        ("EXITED", 70, True, True, "p ended with exit code 70"),
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
    assert process.describe(["why"]) == f"{words}: why"
