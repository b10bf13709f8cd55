from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from patternalarm.grading.errors import GradingError
from patternalarm.grading.ledger.ledger import identities
from patternalarm.grading.ledger.score_log import (
    SCORE_LOG_SCHEMA,
    SCORE_SCHEMA,
    ScoreLogWriter,
    labelled_scores,
    score_log_identities,
    score_log_path,
)

RUN = {"scope": "run-1", "domain": "payments", "pack_version": "1", "pattern_set": "abc"}


def scores(*rows: tuple[int, int, float]) -> pa.Table:
    """One score per (partition, offset, score); the event's id and time follow from its coordinates."""
    return pa.Table.from_pylist(
        [
            {
                "event_id": f"e-{p}-{o}",
                "event_time_ms": 1_000 + o,
                "actor_id": "a",
                "score": score,
                "scores": [1 - score, score],
                "model_version": "v1",
                "feature_set": "f",
                "source_topic": "events.payments.run-1",
                "source_partition": p,
                "source_offset": o,
                "source_crc": 1,
                "sent_at_ms": 5,
            }
            for p, o, score in rows
        ],
        schema=SCORE_SCHEMA,
    )


def test_redelivered_scores_are_dropped_within_and_across_batches(tmp_path: Path) -> None:
    path = score_log_path(tmp_path, "payments", "run-1")
    with ScoreLogWriter(path, RUN) as log:
        log.write(scores((0, 0, 0.1), (1, 0, 0.2), (0, 0, 0.1)))
        log.write(scores((1, 0, 0.2), (0, 5_000, 0.3), (0, 1, 0.4)))
        log.write(scores((0, 1, 0.4)))
        log.write(scores())
    table = pq.read_table(path)
    assert table.schema.names == SCORE_LOG_SCHEMA.names
    assert table["event_id"].to_pylist() == ["e-0-0", "e-1-0", "e-0-5000", "e-0-1"]
    assert table["scope"].to_pylist() == ["run-1"] * 4
    found = score_log_identities(path)
    assert sorted(found) == sorted(identities(np.array([0, 1, 0, 0]), np.array([0, 0, 5_000, 1])))


def test_failed_writing_leaves_no_log(tmp_path: Path) -> None:
    path = score_log_path(tmp_path, "payments", "run-1")
    with pytest.raises(RuntimeError), ScoreLogWriter(path, RUN) as log:
        log.write(scores((0, 0, 0.1)))
        raise RuntimeError
    assert list(path.parent.iterdir()) == []


def test_labelled_scores_are_those_of_the_measured_phase(tmp_path: Path) -> None:
    path = score_log_path(tmp_path, "payments", "run-1")
    with ScoreLogWriter(path, RUN) as log:
        log.write(scores((0, 0, 0.1), (0, 1, 0.2), (0, 2, 0.9)))
    events = {("a", "e-0-2"), ("a", "e-0-0"), ("another", "e-0-1")}
    score, fraud = labelled_scores(path, events, measured_from_ms=1_001)
    assert score.tolist() == [0.2, 0.9]
    assert fraud.tolist() == [False, True]


def test_missing_log_names_the_command_that_writes_it(tmp_path: Path) -> None:
    with pytest.raises(GradingError, match=r"patternalarm\.grading\.ledger\.account"):
        score_log_identities(tmp_path / "scores.parquet")
