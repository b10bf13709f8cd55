"""What a generator process writes about itself: its row of the shard ledger, and how many events it sent when."""

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import numpy as np

from patternalarm.contracts.tables import RUN_VELOCITY, SHARD_LEDGER
from patternalarm.generator.batch import Array
from patternalarm.generator.publishing.producer import Account
from patternalarm.postgres import Connection, Database

VELOCITY_MS = 10_000

HISTORY = "history"
MEASURED = "measured"


class AlreadyGeneratedError(RuntimeError):
    """This shard of the run has started before; its events would be in the topic twice."""


def open_row(database: Database, run_id: str, phase: str, shard: int, planned: int) -> None:
    """Enter the shard with ``planned`` events and nothing acknowledged: a killed generator leaves an open account.

    Raises:
        AlreadyGeneratedError: the row exists.
    """
    now = datetime.now(UTC)
    done = database.write(
        "enter a shard into the ledger",
        lambda connection: connection.execute(
            f"INSERT INTO {SHARD_LEDGER} (run_id, phase, shard, generated, acknowledged, crc_sum, started_at, ended_at)"
            " VALUES (%s, %s, %s, %s, 0, 0, %s, %s) ON CONFLICT DO NOTHING",
            (run_id, phase, shard, planned, now, now),
        ),
    )
    if done.rowcount != 1:
        raise AlreadyGeneratedError(
            f"shard {shard} of run {run_id} has published its {phase} events before; again they would be doubled:"
            " start a new run"
        )


def close_row(database: Database, run_id: str, phase: str, shard: int, account: Account) -> None:
    """Write what was really generated and acknowledged."""
    database.write(
        "close a shard's account",
        lambda connection: connection.execute(
            f"UPDATE {SHARD_LEDGER} SET generated = %s, acknowledged = %s, crc_sum = %s, ended_at = %s,"
            " late_p99_ms = %s WHERE run_id = %s AND phase = %s AND shard = %s",
            (
                account.generated,
                account.acknowledged,
                account.crc_sum,
                datetime.now(UTC),
                account.late_p99_ms,
                run_id,
                phase,
                shard,
            ),
        ),
    )


class VelocityLog:
    """Events per scheduled ten seconds, added up over the shards of a run; written when a ten-second span is over.

    They are written in a thread of their own, to which ``database`` belongs: events do not wait for PostgreSQL.
    """

    def __init__(self, database: Database, run_id: str, domain: str) -> None:
        self._database, self._run_id, self._domain = database, run_id, domain
        self._pending: Counter[int] = Counter()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="velocity")
        self._written: list[Future[None]] = []

    def add(self, send_ms: Array) -> None:
        """Count events by the time they are scheduled for."""
        spans, numbers = np.unique(send_ms // VELOCITY_MS, return_counts=True)
        self._pending.update(dict(zip(spans.tolist(), numbers.tolist(), strict=True)))

    def write_until(self, now_s: float) -> None:
        """Have every span written that was over at ``now_s`` (epoch seconds)."""
        limit = int(now_s * 1000) // VELOCITY_MS
        spans = {span: number for span, number in self._pending.items() if span < limit}
        if spans:
            self._written.append(self._worker.submit(self._write, spans))
        for span in spans:
            del self._pending[span]

    def finish(self) -> None:
        """Write what is left, and wait until all is written; raises what went wrong there."""
        self._written.append(self._worker.submit(self._write, dict(self._pending)))
        self.close()
        for written in self._written:
            written.result()

    def close(self) -> None:
        """Write no more than what was asked for, and leave PostgreSQL."""
        self._worker.shutdown()
        self._database.close()

    def _write(self, spans: Mapping[int, int]) -> None:
        if spans:
            self._database.write("write the velocity", lambda connection: self._add(connection, spans))

    def _add(self, connection: Connection, spans: Mapping[int, int]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {RUN_VELOCITY} AS known (run_id, domain, bucket_start, events) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT (run_id, domain, bucket_start) DO UPDATE SET events = known.events + excluded.events",
                [
                    (self._run_id, self._domain, datetime.fromtimestamp(span * VELOCITY_MS / 1000, UTC), number)
                    for span, number in sorted(spans.items())
                ],
            )
