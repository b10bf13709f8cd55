"""What the grading reads and writes of a run in PostgreSQL: books of the generator, ledger, figures."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from patternalarm import postgres
from patternalarm.contracts import tables
from patternalarm.contracts.runs import EVENTS_PER_MINUTE, PLANNED_ROWS, Level, RunKind
from patternalarm.grading.errors import GradingError, NoLedgerError
from patternalarm.grading.figures.metrics import Metric, MetricName
from patternalarm.grading.figures.rates import ShardBooks
from patternalarm.grading.ledger.ledger import GeneratorBooks, Ledger, ProblemKind
from patternalarm.runs.registry import Run
from patternalarm.settings import Settings

Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class StoredLedger:
    """A row of ``platform.run_ledger``."""

    run_id: str
    generated: int
    acknowledged: int
    offset_span: int
    featurised: int
    dead_lettered: int
    to_score: int
    scored: int
    lost: int
    duplicated: int
    altered: int
    overlapping: int
    redelivered: int
    closed: bool
    problems: list[dict[str, Any]]
    accounted_at: datetime

    def noted(self, kind: ProblemKind) -> int:
        """How much of ``kind`` the ledger names."""
        return sum(int(problem["count"]) for problem in self.problems if problem["kind"] == kind)


def connect(settings: Settings) -> Connection:
    """A connection with the platform's role.

    Raises:
        psycopg.OperationalError: PostgreSQL refuses the role, or cannot be reached as long as patience lasts.
    """
    return postgres.connect(settings, tables.PLATFORM_ROLE)


def measured_from_ms(run: Run) -> int | None:
    """Begin of a run's measured phase in epoch milliseconds."""
    return None if run.measured_from is None else round(run.measured_from.timestamp() * 1_000)


def is_strict(run: Run) -> bool:
    """Whether a run's speed decides its verdict too: its parameter ``strict``, true unless it says otherwise."""
    return bool(run.params.get("strict", True))


def planned_events(run: Run) -> int | None:
    """Events that a replay was to publish, by the rows of its file; None of a run without a file.

    Raises:
        GradingError: a replay that never said.
    """
    if run.kind is not RunKind.REPLAY:
        return None
    if PLANNED_ROWS not in run.params:
        raise GradingError(
            f"run {run.run_id} never said how many rows of its file it would publish, so nobody can tell whether all came: "
            "publish its parts with patternalarm.generator.replay"
        )
    return int(run.params[PLANNED_ROWS])


def events_per_minute_asked(run: Run) -> float | None:
    """Rate asked for: the run's own parameter ``events_per_minute``, else its level's; None of an unpaced run."""
    asked = run.params.get("events_per_minute")
    if asked is not None:
        return float(asked)
    return None if run.level is None else float(EVENTS_PER_MINUTE[Level(run.level)])


def scheduled_window(run: Run) -> tuple[datetime, datetime] | None:
    """When a paced run's events were due to begin and to end: the asked minutes before its measured window ends."""
    if run.minutes is None or run.measured_until is None:
        return None
    return run.measured_until - timedelta(minutes=run.minutes), run.measured_until


def load_shards(connection: Connection, run_id: str) -> list[ShardBooks]:
    """Books of the generator's shards, by phase and shard.

    Raises:
        GradingError: no shard has written any.
    """
    with connection.cursor(row_factory=class_row(ShardBooks)) as cursor:
        shards = cursor.execute(
            f"SELECT phase, shard, generated, acknowledged, crc_sum::numeric::bigint AS crc_sum, started_at, ended_at,"
            f" late_p99_ms FROM {tables.SHARD_LEDGER} WHERE run_id = %s ORDER BY phase, shard",
            (run_id,),
        ).fetchall()
    if not shards:
        raise GradingError(
            f"no generator shard of run {run_id} has written its books ({tables.SHARD_LEDGER}): "
            "none has finished, so there is nothing to account for"
        )
    return shards


def generator_books(shards: Sequence[ShardBooks]) -> GeneratorBooks:
    """Sums over shards and phases."""
    return GeneratorBooks(
        generated=sum(shard.generated for shard in shards),
        acknowledged=sum(shard.acknowledged for shard in shards),
        crc_sum=sum(shard.crc_sum for shard in shards),
    )


def load_model_version(connection: Connection, run: Run) -> str | None:
    """Version of the model that scored the run: the promoted one it began with, or the one it trained for itself."""
    if run.model_version is not None:
        return run.model_version
    row = connection.execute(
        f"SELECT version FROM {tables.MODEL_VERSION} WHERE scope = %s ORDER BY trained_at DESC LIMIT 1", (run.run_id,)
    ).fetchone()
    return None if row is None else str(row[0])


def load_velocity(connection: Connection, run_id: str) -> pd.DataFrame:
    """Events generated per scheduled ten seconds: columns ``bucket_ms`` (epoch) and ``events``."""
    rows = connection.execute(
        "SELECT extract(epoch FROM bucket_start) * 1000, sum(events)"
        f" FROM {tables.RUN_VELOCITY} WHERE run_id = %s GROUP BY bucket_start ORDER BY bucket_start",
        (run_id,),
    ).fetchall()
    return pd.DataFrame(rows, columns=["bucket_ms", "events"]).astype({"bucket_ms": "float64", "events": "int64"})


def save_ledger(connection: Connection, run_id: str, ledger: Ledger) -> None:
    """Write the run's ledger, replacing an earlier one; the caller commits."""
    values = {
        **{column.name: getattr(ledger, column.name) for column in fields(Ledger) if column.name != "problems"},
        "run_id": run_id,
        "closed": ledger.closed,
        "problems": Jsonb([problem.as_json() for problem in ledger.problems]),
    }
    columns = ", ".join(values)
    connection.execute(f"DELETE FROM {tables.RUN_LEDGER} WHERE run_id = %s", (run_id,))
    connection.execute(
        f"INSERT INTO {tables.RUN_LEDGER} ({columns}, accounted_at)"
        f" VALUES ({', '.join(f'%({name})s' for name in values)}, now())",
        values,
    )


def load_ledger(connection: Connection, run_id: str) -> StoredLedger:
    """The run's ledger.

    Raises:
        NoLedgerError: it was not made yet.
    """
    with connection.cursor(row_factory=class_row(StoredLedger)) as cursor:
        ledger = cursor.execute(
            f"SELECT {_columns(StoredLedger)} FROM {tables.RUN_LEDGER} WHERE run_id = %s",
            (run_id,),
        ).fetchone()
    if ledger is None:
        raise NoLedgerError(f"run {run_id} has no ledger: run `python -m patternalarm.grading.ledger.account` first")
    return ledger


def save_metrics(connection: Connection, run_id: str, metrics: Sequence[Metric]) -> None:
    """Write the run's figures, replacing earlier ones; the caller commits."""
    columns = [column.name for column in fields(Metric)]
    connection.execute(f"DELETE FROM {tables.RUN_METRIC} WHERE run_id = %s", (run_id,))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {tables.RUN_METRIC} (run_id, {', '.join(columns)})"
            f" VALUES (%(run_id)s, {', '.join(f'%({name})s' for name in columns)})",
            [{**asdict(metric), "metric": str(metric.metric), "run_id": run_id} for metric in metrics],
        )


def load_metrics(connection: Connection, run_id: str) -> list[Metric]:
    """The run's figures.

    Raises:
        GradingError: they were not measured yet.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            f"SELECT {_columns(Metric)} FROM {tables.RUN_METRIC} WHERE run_id = %s",
            (run_id,),
        ).fetchall()
    if not rows:
        raise GradingError(f"run {run_id} has no figures: run `python -m patternalarm.grading.figures.measure` first")
    return [Metric(**{**row, "metric": MetricName(row["metric"])}) for row in rows]


def _columns(row_class: type) -> str:
    return ", ".join(column.name for column in fields(row_class))
