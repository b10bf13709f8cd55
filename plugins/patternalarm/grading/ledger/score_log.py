"""The score log of a run: every score once, as Parquet, beside the alerts for drift, backtests and new thresholds.

One file per run, ``<score_log_dir>/<domain>/<scope>/scores.parquet``. Its columns are those of the scores topic
(``contracts.records.SCORE_COLUMNS``) and the scope, domain, pack version and pattern set of the run.
"""

from collections.abc import Iterable, Set
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from patternalarm.contracts.records import SCORE_COLUMNS
from patternalarm.grading.errors import GradingError
from patternalarm.grading.ledger.ledger import identities

_ARROW_TYPES: Final = {
    "STRING": pa.string(),
    "BIGINT": pa.int64(),
    "INT": pa.int32(),
    "DOUBLE": pa.float64(),
    "ARRAY<DOUBLE>": pa.list_(pa.float64()),
}

SCORE_SCHEMA: Final = pa.schema([(name, _ARROW_TYPES[kind]) for name, kind in SCORE_COLUMNS.items()])
"""A score as it is on the topic."""

RUN_COLUMNS: Final = ("scope", "domain", "pack_version", "pattern_set")

SCORE_LOG_SCHEMA: Final = pa.schema([*SCORE_SCHEMA, *((name, pa.string()) for name in RUN_COLUMNS)])
"""A score as it is in the log."""


def score_log_path(directory: Path, domain: str, scope: str) -> Path:
    """File of one run's score log below the score log's directory."""
    return directory / domain / scope / "scores.parquet"


class ScoreLogWriter:
    """Writes scores, dropping redelivered copies by their source coordinates; the first copy is kept.

    The file appears under its name only when all was written, so a reader never sees half a log.
    """

    def __init__(self, path: Path, run_columns: dict[str, str]) -> None:
        self._path = path
        self._run_columns = run_columns
        self._seen: dict[int, NDArray[np.bool_]] = {}

    def __enter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._partial = self._path.with_suffix(".partial")
        self._writer = pq.ParquetWriter(self._partial, SCORE_LOG_SCHEMA, compression="zstd", compression_level=3)
        return self

    def __exit__(self, error: type[BaseException] | None, _value: object, _trace: TracebackType | None) -> None:
        self._writer.close()
        if error is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink()

    def write(self, scores: pa.Table) -> None:
        """Append the rows of ``scores`` (``SCORE_SCHEMA``) whose coordinates were not seen before."""
        partition = scores["source_partition"].to_numpy()
        offset = scores["source_offset"].to_numpy()
        fresh = np.zeros(len(scores), dtype=bool)
        _, first = np.unique(identities(partition, offset), return_index=True)
        fresh[first] = True
        for p in np.unique(partition).tolist():
            here = np.flatnonzero((partition == p) & fresh)
            seen = self._seen_until(p, int(offset[here].max()))
            fresh[here] = ~seen[offset[here]]
            seen[offset[here]] = True
        kept = scores.filter(pa.array(fresh))
        for name in RUN_COLUMNS:
            kept = kept.append_column(name, pa.repeat(self._run_columns[name], len(kept)))
        self._writer.write_table(kept)

    def _seen_until(self, partition: int, offset: int) -> NDArray[np.bool_]:
        seen = self._seen.get(partition, np.zeros(0, dtype=bool))
        if offset >= len(seen):
            grown = np.zeros(max(2 * len(seen), offset + 1), dtype=bool)
            grown[: len(seen)] = seen
            self._seen[partition] = seen = grown
        return seen


def read_score_log(path: Path, columns: Iterable[str]) -> pa.Table:
    """The named columns of a score log.

    Raises:
        GradingError: there is no such log.
    """
    if not path.is_file():
        raise GradingError(
            f"no score log {path}: `python -m patternalarm.grading.ledger.account` writes it from the run's scores topic"
        )
    return pq.read_table(path, columns=list(columns))


def score_log_identities(path: Path) -> NDArray[np.int64]:
    """Source coordinates of every row of a score log."""
    table = read_score_log(path, ["source_partition", "source_offset"])
    return identities(table["source_partition"].to_numpy(), table["source_offset"].to_numpy())


def labelled_scores(
    path: Path, fraud_events: Set[tuple[str, str]], measured_from_ms: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Scores (1 - P(legitimate)) of all measured events, and whether each is one of ``fraud_events``.

    These are (actor_id, event_id), which the few rows with such an event_id are compared by.
    """
    table = read_score_log(path, ["actor_id", "event_id", "event_time_ms", "score"])
    table = table.filter(pc.greater_equal(table["event_time_ms"], measured_from_ms))
    fraud = np.zeros(len(table), dtype=bool)
    event_ids = pa.array([event_id for _, event_id in fraud_events], pa.string())
    maybe = np.flatnonzero(pc.is_in(table["event_id"], value_set=event_ids).to_numpy())
    rows = table.take(maybe)
    told = zip(rows["actor_id"].to_pylist(), rows["event_id"].to_pylist(), strict=True)
    fraud[maybe] = [event in fraud_events for event in told]
    return table["score"].to_numpy(), fraud
