"""Publish a foreign file as the events that its pack says it holds, in order of time and as fast as Kafka takes them.

``python -m patternalarm.generator.replay --run-id R --pack sparkov --file cards.parquet --part train``
"""

import argparse
import dataclasses
import logging
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.generator.command_line import database, run_command, run_id_argument
from patternalarm.generator.foreign.file import ForeignFile
from patternalarm.generator.foreign.split import ForeignFileError
from patternalarm.generator.publishing.ground_truth import TruthCampaign, label_records, store
from patternalarm.generator.publishing.producer import DeliveryError, RecordProducer
from patternalarm.generator.publishing.publication import UNPACED_EVENTS
from patternalarm.generator.publishing.shard_ledger import HISTORY, MEASURED, close_row, open_row
from patternalarm.runs.registry import RunError, plan_rows
from patternalarm.settings import get_settings

LOG = logging.getLogger(__name__)

TRAIN, TEST, ALL = "train", "test", "all"


def between(campaigns: Iterable[TruthCampaign], first_ms: int, last_ms: int) -> Iterator[TruthCampaign]:
    """Campaigns with only their events from ``first_ms`` to ``last_ms``; those without any are left out."""
    for campaign in campaigns:
        events = tuple(event for event in campaign.events if first_ms <= event.event_time_ms <= last_ms)
        if events:
            yield dataclasses.replace(campaign, events=events)


def publish_part(file: ForeignFile, part: str, run_id: str, events: RecordProducer, labels: RecordProducer) -> None:
    """Publish one part: its events, the labels of its frauds, and ground truth for those from ``test_from`` on.

    Before the first of them, the run is told how many rows the whole file has, which its ledger holds it to.

    Raises:
        DeliveryError: not every record was acknowledged.
        ForeignFileError: the file has other rows than when the run's first part was published.
    """
    phase = HISTORY if part == TRAIN else MEASURED
    first, end = file.part(part)
    campaigns = list(file.campaigns())
    with database() as books:
        planned = books.write("rows planned", lambda connection: plan_rows(connection, run_id, len(file)))
        if planned != len(file):
            raise ForeignFileError(
                f"the file has {len(file)} rows, but had {planned} when the run began: it was changed meanwhile, start a new run"
            )
        open_row(books, run_id, phase, 0, end - first)
        if part != TRAIN:
            graded = list(between(campaigns, file.split.test_from_ms, int(file.time_ms[-1])))
            books.write("file ground truth", lambda connection: store(connection, run_id, graded))
        for begin in range(first, end, UNPACED_EVENTS):
            events.send(*file.records(begin, min(begin + UNPACED_EVENTS, end)))
        if end > first:
            mine = between(campaigns, int(file.time_ms[first]), int(file.time_ms[end - 1]))
            labels.send(*label_records(mine))
        accounts = [producer.finish() for producer in (events, labels)]
        close_row(books, run_id, phase, 0, accounts[0])
    if not all(account.complete for account in accounts):
        raise DeliveryError("not every event and label was acknowledged by Kafka")
    LOG.info("%s: %d events and %d labels published", part, accounts[0].acknowledged, accounts[1].acknowledged)


def describe(file: ForeignFile) -> str:
    """What a check found, in one line."""
    first, last = (datetime.fromtimestamp(int(file.time_ms[i]) / 1000, UTC) for i in (0, -1))
    edge = file.part(TRAIN)[1]
    return (
        f"{len(file)} events from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, {int(file.fraud.sum())} of them"
        f" fraud; {edge} for training, {int((file.time_ms >= file.split.test_from_ms).sum())} to be graded"
    )


def _parser() -> argparse.ArgumentParser:
    parser = ArgumentParser(
        description="Replay a foreign file. Exit code 1: not all was published; 2: the file does not fit the pack."
    )
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack with a source section")
    parser.add_argument("--file", required=True, type=Path, help="a .parquet or .csv file")
    parser.add_argument("--check", action="store_true", help="only check that the file fits the pack")
    parser.add_argument("--run-id", type=run_id_argument, help="the run whose topics are written")
    parser.add_argument("--part", choices=(TRAIN, TEST, ALL), help="by the pack's split; test includes the gap")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if not asked.check and not (asked.run_id and asked.part):
        parser.error("give --run-id and --part, or --check alone")

    def body() -> None:
        pack = load_pack(asked.pack)
        started = time.monotonic()
        file = ForeignFile(pack, asked.file)
        LOG.info("%s read in %.1f s", asked.file, time.monotonic() - started)
        if asked.check:
            sys.stdout.write(describe(file) + "\n")
            return
        bootstrap = get_settings().kafka_bootstrap
        events = RecordProducer(bootstrap, topic_name(TopicKind.EVENTS, pack.name, asked.run_id))
        labels = RecordProducer(bootstrap, topic_name(TopicKind.LABELS, pack.name, asked.run_id))
        for producer in (events, labels):
            producer.check()
        publish_part(file, asked.part, asked.run_id, events, labels)

    return run_command(body, ForeignFileError, RunError)


if __name__ == "__main__":
    sys.exit(main())
