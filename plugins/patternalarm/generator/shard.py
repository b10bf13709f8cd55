"""One shard of a load test: its actors' history, unpaced, or its measured activity, paced by the clock.

``python -m patternalarm.generator.shard --run-id R --pack payments --seed 7 --shard 0 --shards 2
--events-per-minute 10000 --start-at 2026-11-24T05:30:00Z --seconds 120 --phase measured``
"""

import argparse
import logging
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.generator.activity.activity_file import check_activity, load_activity
from patternalarm.generator.activity.cohort import Cohort, history_depth
from patternalarm.generator.activity.domain_model import DomainModel
from patternalarm.generator.activity.population import population_size
from patternalarm.generator.activity.slice import Slice, in_order_of_sending
from patternalarm.generator.command_line import (
    StopFlag,
    count_argument,
    database,
    positive_argument,
    run_command,
    run_id_argument,
    seed_argument,
    time_argument,
)
from patternalarm.generator.publishing.ground_truth import label_records, store, truth_of_slice
from patternalarm.generator.publishing.producer import Chunk, DeliveryError, RecordProducer
from patternalarm.generator.publishing.publication import PACED_EVENTS, UNPACED_EVENTS, chunks_of
from patternalarm.generator.publishing.shard_ledger import HISTORY, MEASURED, VelocityLog, close_row, open_row
from patternalarm.postgres import Database
from patternalarm.settings import get_settings

LOG = logging.getLogger(__name__)

# Rendered ahead: enough to outlast a pause of the scheduler or of garbage collection.
LOOKAHEAD_S = 3.0
LOOKAHEAD_EVENTS = 2_000


@dataclass(frozen=True)
class ShardPlan:
    """What one shard of a run has to do. ``start_ms`` is the first event time of the measured phase."""

    run_id: str
    seed: int
    shard: int
    shards: int
    events_per_minute: float
    start_ms: int
    seconds: float

    @property
    def events(self) -> int:
        """Events of this shard in the measured phase; those of all shards add up to rate times time."""
        total = round(self.events_per_minute * self.seconds / 60)
        return total * (self.shard + 1) // self.shards - total * self.shard // self.shards

    def cohort(self, domain: str, model: type[DomainModel]) -> Cohort:
        """The shard's actors, the same in both phases."""
        return Cohort(domain, model, self.seed, self.shard, population_size(self.events_per_minute, self.shards))


class MeasuredSlices:
    """Slices of the measured phase, made one ahead in a thread of their own, which also files their ground truth."""

    def __init__(self, plan: ShardPlan, pack: DomainPack, cohort: Cohort, labels: RecordProducer) -> None:
        self._plan, self._pack, self._labels = plan, pack, labels
        self._columns = cohort.model.columns
        self._slices = cohort.measured(plan.start_ms, plan.seconds, plan.events)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="slices")
        self._filed: list[Future[None]] = []

    def __iter__(self) -> Iterator[Slice]:
        """The slices in order; each one's ground truth is filed while it is being sent."""
        coming = self._worker.submit(next, self._slices, None)
        while (piece := coming.result()) is not None:
            self._filed.append(self._worker.submit(self._file, piece))
            coming = self._worker.submit(next, self._slices, None)
            yield piece

    def finish(self) -> None:
        """Wait until all ground truth is filed; raises what went wrong there."""
        for filed in self._filed:
            filed.result()
        self._worker.shutdown()

    def _file(self, piece: Slice) -> None:
        campaigns = list(truth_of_slice(self._pack, self._columns, piece))
        with database() as books:
            books.write("file ground truth", lambda connection: store(connection, self._plan.run_id, campaigns))
        self._labels.send(*label_records(campaigns))


def publish_history(
    plan: ShardPlan, pack: DomainPack, cohort: Cohort, books: Database, events: RecordProducer, stop: StopFlag
) -> None:
    """Publish the earlier activity of the shard's actors as fast as Kafka takes it.

    Raises:
        DeliveryError: not every record was acknowledged.
        StoppedError: SIGTERM came first.
    """
    slices = list(cohort.history(plan.start_ms, history_depth(plan.events_per_minute)))
    open_row(books, plan.run_id, HISTORY, plan.shard, sum(len(piece) for piece in slices))
    try:
        merged = in_order_of_sending(slices)
        for chunk in chunks_of(pack.name, cohort.model.columns, *merged, UNPACED_EVENTS):
            stop.check()
            events.send(chunk.keys, chunk.values)
    finally:
        _settle(plan, HISTORY, books, events)


def publish_measured(
    plan: ShardPlan,
    pack: DomainPack,
    cohort: Cohort,
    books: Database,
    events: RecordProducer,
    labels: RecordProducer,
    stop: StopFlag,
) -> None:
    """Publish the measured activity by the clock, its labels, ground truth and velocity.

    Raises:
        DeliveryError: not every record was acknowledged.
        StoppedError: SIGTERM came first.
    """
    open_row(books, plan.run_id, MEASURED, plan.shard, plan.events)
    slices = MeasuredSlices(plan, pack, cohort, labels)
    velocity = VelocityLog(books, plan.run_id, pack.name)

    def chunks() -> Iterator[Chunk]:
        for piece in slices:
            velocity.add(piece.send_ms)
            yield from chunks_of(
                pack.name, cohort.model.columns, piece.events, piece.event_ids, piece.send_ms, PACED_EVENTS
            )

    lookahead = max(LOOKAHEAD_EVENTS, round(plan.events / plan.seconds * LOOKAHEAD_S))
    try:
        events.send_paced(chunks(), lookahead, on_due=velocity.write_until, stop=lambda: stop.raised)
        if not stop.raised:
            velocity.write_all()
        slices.finish()
        if not labels.finish().complete:
            raise DeliveryError("not every label was acknowledged by Kafka")
    finally:
        _settle(plan, MEASURED, books, events)
    stop.check()


def _settle(plan: ShardPlan, phase: str, books: Database, events: RecordProducer) -> None:
    account = events.finish()
    close_row(books, plan.run_id, phase, plan.shard, account)
    LOG.info("%s: %d generated, %d acknowledged", phase, account.generated, account.acknowledged)
    if not account.complete:
        raise DeliveryError(
            f"{account.generated - account.acknowledged} of {account.generated} records were not acknowledged by Kafka"
        )


def _parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(description="Publish one shard of a load test. Exit code 1: not everything was published.")
    parser.add_argument("--run-id", required=True, type=run_id_argument, help="the run whose topics are written")
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack that has an activity")
    parser.add_argument("--seed", required=True, type=seed_argument)
    parser.add_argument("--shard", required=True, type=int, help="number of this shard, from 0")
    parser.add_argument("--shards", required=True, type=count_argument, help="how many shards there are")
    parser.add_argument("--events-per-minute", required=True, type=positive_argument, help="of all shards together")
    parser.add_argument("--start-at", required=True, type=time_argument, help="first event time of the measured phase")
    parser.add_argument("--seconds", required=True, type=positive_argument, help="length of the measured phase")
    parser.add_argument("--phase", required=True, choices=(HISTORY, MEASURED))
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if not 0 <= asked.shard < asked.shards:
        parser.error(f"--shard {asked.shard}: there are shards 0 to {asked.shards - 1}")
    plan = ShardPlan(
        asked.run_id,
        asked.seed,
        asked.shard,
        asked.shards,
        asked.events_per_minute,
        asked.start_at,
        asked.seconds,
    )

    def body() -> None:
        stop = StopFlag()
        pack, model = load_pack(asked.pack), load_activity(asked.pack)
        check_activity(model, pack)
        bootstrap = get_settings().kafka_bootstrap
        events = RecordProducer(bootstrap, topic_name(TopicKind.EVENTS, pack.name, plan.run_id))
        labels = RecordProducer(bootstrap, topic_name(TopicKind.LABELS, pack.name, plan.run_id))
        for producer in (events, labels):
            producer.check()
        with database() as books:
            started = time.monotonic()
            cohort = plan.cohort(pack.name, model)
            if asked.phase == HISTORY:
                publish_history(plan, pack, cohort, books, events, stop)
            else:
                publish_measured(plan, pack, cohort, books, events, labels, stop)
        LOG.info("%s phase took %.1f s", asked.phase, time.monotonic() - started)

    return run_command(body)


if __name__ == "__main__":
    sys.exit(main())
