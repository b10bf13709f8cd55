"""The event rate that was asked for and the one that was reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from patternalarm.grading.figures.metrics import Metric, MetricName


@dataclass(frozen=True)
class ShardBooks:
    """One row of ``platform.shard_ledger``: a generator shard in one phase (``history`` or ``measured``)."""

    phase: str
    shard: int
    generated: int
    acknowledged: int
    crc_sum: int
    started_at: datetime
    ended_at: datetime
    late_p99_ms: float | None


def measured_generated(shards: Sequence[ShardBooks]) -> int:
    """Events generated in the measured phase."""
    return sum(shard.generated for shard in shards if shard.phase == "measured")


def rate_metrics(
    shards: Sequence[ShardBooks], events_per_minute: float | None, scheduled: tuple[datetime, datetime] | None
) -> list[Metric]:
    """Rate asked and reached in events a minute, their distance as a ratio, and the producer's lateness.

    ``scheduled`` is when the events of a paced run are due to begin and to end. The rate counts from its begin until
    its end or, if that comes later, the last shard's: neither a shard that starts early and waits, nor one that is done
    with its last event, changes the rate. An unpaced run's counts from the first shard's start to the last one's end.
    """
    measured = [shard for shard in shards if shard.phase == "measured"]
    reached = None
    if measured:
        begin = min(shard.started_at for shard in measured)
        end = max(shard.ended_at for shard in measured)
        if scheduled:
            begin, end = scheduled[0], max(end, scheduled[1])
        seconds = (end - begin).total_seconds()
        reached = 60 * measured_generated(measured) / seconds if seconds > 0 else None
    late = [shard.late_p99_ms for shard in measured if shard.late_p99_ms is not None]
    rows = [
        Metric(MetricName.RATE_REACHED, "events/min", reached, numerator=measured_generated(measured)),
        Metric(MetricName.PRODUCER_LATE_P99, "ms", max(late, default=None), denominator=len(late)),
    ]
    if events_per_minute is not None:
        deviation = None if reached is None else abs(reached / events_per_minute - 1)
        rows.append(Metric(MetricName.RATE_ASKED, "events/min", float(events_per_minute)))
        rows.append(Metric(MetricName.RATE_DEVIATION, "ratio", deviation))
    return rows
