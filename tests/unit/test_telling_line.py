"""What a person reads of a failed process, on traces as the engines of today write them (their frames cut short)."""

from pathlib import Path

import pytest

from patternalarm.telling_line import telling_line

TRACES = Path(__file__).resolve().parent / "traces"


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
        (["ValueError: bad", "12:01 WARN x: Error: y"], "ValueError: bad"),
        (
            ["Traceback (most recent call last):", '  File "x", line 1', "subprocess.TimeoutExpired: too slow", "bye"],
            "subprocess.TimeoutExpired: too slow",
        ),
        (
            ["java.lang.Error: outer", "\tSuppressed: java.lang.Error: inner", "\t\t... 3 more"],
            "java.lang.Error: outer",
        ),
        (
            ['Exception in thread "main" java.lang.OutOfMemoryError: Java heap space'],
            "java.lang.OutOfMemoryError: Java heap space",
        ),
        (["12:01 INFO one", "12:02 WARN two"], "12:02 WARN two"),
    ],
)
def test_the_line_that_tells_most(log, line):
    assert telling_line(log) == line


@pytest.mark.parametrize(
    ("trace", "line"),
    [
        ("python_chained", "RuntimeError: seed 'x7' is no whole number"),
        ("argparse", "patternalarm.generator.shard: error: the following arguments are required: --run-id"),
        ("flink_program_that_refuses", "no domain pack 'nope': use one of gaming, iot, payments, sparkov"),
        ("flink_sql_of_another_pack", "java.lang.AssertionError: Cycle detected during type-checking"),
        ("flink_cluster_away", "java.net.ConnectException: Connection refused"),
        ("spark_path", "pyspark.errors.exceptions.captured.AnalysisException: [PATH_NOT_FOUND] Path does not exist"),
        ("spark_query", "pyspark.errors.exceptions.captured.NumberFormatException: [CAST_INVALID_INPUT] The value 'x'"),
        ("spark_worker", "ModuleNotFoundError: No module named 'pyarrow'"),
    ],
)
def test_the_line_that_tells_most_of_a_real_trace(trace, line):
    assert telling_line((TRACES / f"{trace}.log").read_text().splitlines()).startswith(line)


def test_every_trace_is_looked_at():
    tried = next(mark.args[1] for mark in test_the_line_that_tells_most_of_a_real_trace.pytestmark)
    assert {name for name, _ in tried} == {path.stem for path in TRACES.iterdir()}
