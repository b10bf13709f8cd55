"""The alert writer of one domain and scope: ``python -m patternalarm.alerts.writer --pack P --scope S --model DIR``.

Reads ``evidence`` and ``pattern_hits`` from the offsets in ``alerting.consumer_offset`` on and writes alerts, each
batch in one transaction with its offsets: killed at any moment and started again, it loses and doubles nothing.
A record that breaks the contract, or whose data PostgreSQL refuses, goes to ``alerting.quarantined_record`` in that same
transaction, and the writer goes on. An error of Kafka or PostgreSQL that passes by itself is waited out here: it connects
again, asks PostgreSQL how far it came, and goes on from there. SIGTERM lets it finish its batch and leave with exit code
0. It leaves with 1 when Kafka or PostgreSQL refuses it or when a second writer shows up, with 2 on bad input, before it
read anything, and with 75 when one of them fails it for longer than patience: to be started again.
"""

import logging
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
from tenacity.nap import sleep_using_event

from patternalarm.alerts.batch import BatchBuilder
from patternalarm.alerts.findings import (
    ContractBreachError,
    Found,
    PassedOn,
    Quarantined,
    passed_on,
    quarantined,
    read_evidence,
    read_pattern_hit,
)
from patternalarm.alerts.progress import Progress
from patternalarm.alerts.reasons import PatternReasons, ScoreReasons
from patternalarm.alerts.store import Advance, AlertStore, AnotherWriterError
from patternalarm.argument_parser import ArgumentParser, new_file_argument, scope_argument
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.pack_folder import PackError, find_pack
from patternalarm.contracts.quarantine import QuarantineReason
from patternalarm.contracts.records import Partition
from patternalarm.contracts.tables import SCORER_ROLE
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.kafka_input import InputRecord, KafkaInput, KafkaInputError, Reader
from patternalarm.models.forest import read_forest
from patternalarm.models.forest_scorer import ForestScorer
from patternalarm.models.metadata import ModelError, ModelMetadata
from patternalarm.models.verify import verify_model
from patternalarm.passing_errors import passes_by_itself
from patternalarm.patterns import PatternError, load_patterns
from patternalarm.postgres import connect
from patternalarm.retrying import asking_once, retrying
from patternalarm.settings import Settings, get_settings

BATCH_RECORDS: Final = 2_000

# Quarantined records of one batch that the log names one by one.
MOST_TOLD: Final = 5

# How long a stop waits for a quiet topic; a record that comes meanwhile is taken at once.
WAIT_SECONDS: Final = 0.2

_READER: Final = Reader(
    "alert writer",
    bookkeeper="PostgreSQL",
    remedy="check what was lost, then delete its row in alerting.consumer_offset to start from what is there",
)

logger = logging.getLogger(__name__)


class AlertWriter:
    """Reads, explains, writes, until told to stop."""

    def __init__(self, pack: DomainPack, scope: str, source: KafkaInput, store: AlertStore, progress: Progress) -> None:
        """Write what ``source``, not started yet, brings to ``store``, and count it in ``progress``."""
        self._pack, self._source, self._store = pack, source, store
        self._evidence_topic = topic_name(TopicKind.EVIDENCE, pack.name, scope)
        self._offsets: dict[Partition, int] = {}
        self._progress = progress

    def run(self, on_ready: Callable[[], None], stopping: Callable[[], bool]) -> None:
        """Work until ``stopping`` says so between two batches.

        ``on_ready`` is called once, when the next record would be taken at once.

        Raises:
            KafkaInputError, psycopg.Error: an engine failed.
            AnotherWriterError: a second writer is running.
        """
        self._offsets = self._store.start_offsets(self._source.earliest())
        self._source.start(self._offsets)
        on_ready()
        while not stopping():
            records = self._source.read(BATCH_RECORDS, WAIT_SECONDS)
            if records:
                self._write(records)
            self._progress.tell_if_due(self._source.behind)
        self._progress.tell(self._source.behind())

    def _write(self, records: Sequence[InputRecord]) -> None:
        read = [self._read(record) for record in records]
        # Evidence first: a batch with both says that the model found it.
        found = sorted(
            (one for one in read if isinstance(one, Found)), key=lambda one: one.at.topic != self._evidence_topic
        )
        unreadable = [one for one in read if isinstance(one, Quarantined)]
        moved = {(r.at.topic, r.at.partition): r.at.offset + 1 for r in records}
        advances = [Advance(*partition, self._offsets[partition], at) for partition, at in moved.items()]
        written = self._store.write(found, advances, unreadable)
        self._offsets.update(moved)
        evidence = sum(one.at.topic == self._evidence_topic for one in found)
        newest_ms = max(record.timestamp_ms for record in records)
        self._progress.committed(evidence, len(found) - evidence, written, newest_ms)
        _tell_quarantined([*unreadable, *written.refused])

    def _read(self, record: InputRecord) -> Found | Quarantined:
        read = read_evidence if record.at.topic == self._evidence_topic else read_pattern_hit
        try:
            finding = read(record.value, self._pack)
        except ContractBreachError as error:
            return quarantined(record.at, record.value, QuarantineReason.BREAKS_CONTRACT, error)
        if isinstance(finding, PassedOn):
            return passed_on(finding)
        return Found(finding, record.at, record.value or b"")


def _tell_quarantined(records: Sequence[Quarantined]) -> None:
    for record in records[:MOST_TOLD]:
        logger.warning("%s: %s, into quarantine: %s", record.at, record.reason.replace("_", " "), record.detail)
    if len(records) > MOST_TOLD:
        logger.warning(
            "%d more records went into quarantine, see alerting.quarantined_record", len(records) - MOST_TOLD
        )


@dataclass(frozen=True)
class _Arguments:
    pack: str
    scope: str
    model: Path
    ready_file: Path


def _parse(argv: Sequence[str] | None) -> _Arguments:
    parser = ArgumentParser(prog="patternalarm.alerts.writer", description=__doc__)
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack")
    parser.add_argument("--scope", required=True, type=scope_argument, help="live, or the run_id of an isolated run")
    parser.add_argument("--model", required=True, type=Path, help="directory of the model that scores")
    parser.add_argument(
        "--ready-file", required=True, type=new_file_argument, help="file made once the writer is at work"
    )
    given = parser.parse_args(argv)
    return _Arguments(given.pack, given.scope, given.model, given.ready_file)


def _score_reasons(arguments: _Arguments, pack: DomainPack, model: ModelMetadata) -> ScoreReasons:
    trees = read_forest(arguments.model)
    try:
        forest = ForestScorer(trees, classes=len(model.classes), features=len(model.feature_names))
    except ValueError as error:
        raise ModelError(f"model {arguments.model}: {error}; train again with retrain_model") from error
    return ScoreReasons(pack, model, forest)


class Service:
    """Keeps an alert writer at work: its engines may go and come back.

    Args:
        arguments: pack, scope and model.
        settings: where the engines are, and how long their absence is waited out.
        stop: set when it shall stop.
    """

    def __init__(self, arguments: _Arguments, settings: Settings, stop: threading.Event) -> None:
        self._arguments, self._settings, self._stop = arguments, settings, stop
        self._pack = load_pack(arguments.pack)
        self._model = verify_model(arguments.model, self._pack)
        self._pattern_reasons = PatternReasons(load_patterns(find_pack(arguments.pack), self._pack))
        self._builder: BatchBuilder | None = None
        self._progress = Progress()
        self._ready_at: float | None = None
        self._client_id = f"alert-writer.{self._pack.name}.{arguments.scope}"

    def run(self) -> None:
        """Work until asked to stop.

        Raises:
            KafkaInputError, psycopg.Error: an engine refused, or failed for longer than patience.
            AnotherWriterError: see ``AlertWriter.run``.
        """
        while not self._stop.is_set():
            # One series of failures; it is over when a batch was committed, or when none came for as long as patience.
            retrying("write alerts", self._settings.patience_seconds, sleep=sleep_using_event(self._stop))(self._work)

    def _work(self) -> None:
        """Work with one connection to either engine, until asked to stop, or until one fails after a success."""
        self._ready_at, batches = None, self._progress.batches
        try:
            self._write_alerts()
        except (KafkaInputError, psycopg.Error) as error:
            worked = 0.0 if self._ready_at is None else time.monotonic() - self._ready_at
            lasted = worked > self._settings.patience_seconds
            if not (lasted or self._progress.batches > batches) or not passes_by_itself(error):
                raise
            said = str(error).strip().splitlines()[0]
            logger.warning("%s: connecting again, and going on where PostgreSQL says", said)

    def _note_ready(self) -> None:
        self._ready_at = time.monotonic()
        self._arguments.ready_file.touch()

    def _write_alerts(self) -> None:
        pack, scope, settings = self._pack, self._arguments.scope, self._settings
        topics = [topic_name(kind, pack.name, scope) for kind in (TopicKind.EVIDENCE, TopicKind.PATTERN_HITS)]
        if self._stop.is_set():
            return
        # A transaction of the lost connection may hold the offsets until PostgreSQL notices that nobody is there.
        limit = f"-c lock_timeout={max(1, round(settings.patience_seconds * 1000))}"
        with (
            asking_once(),
            connect(
                settings, SCORER_ROLE, autocommit=True, application_name=self._client_id, options=limit
            ) as connection,
            closing(KafkaInput(settings.kafka_bootstrap, topics, self._client_id, _READER)) as source,
        ):
            if self._builder is None:
                score_reasons = _score_reasons(self._arguments, pack, self._model)
                self._builder = BatchBuilder(pack, scope, score_reasons.of, self._pattern_reasons.of)
            store = AlertStore(connection, scope, pack, self._builder.build)
            writer = AlertWriter(pack, scope, source, store, self._progress)
            writer.run(on_ready=self._note_ready, stopping=self._stop.is_set)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring for the exit codes."""
    arguments = _parse(argv)
    settings = get_settings()
    stop_asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_asked.set())
    arguments.ready_file.unlink(missing_ok=True)
    try:
        Service(arguments, settings, stop_asked).run()
    except (PackError, ModelError, PatternError) as error:
        logger.error("%s", error)
        return ExitCode.BAD_INPUT
    except (KafkaInputError, AnotherWriterError) as error:
        logger.error("%s", error)
        return ExitCode.START_AGAIN if passes_by_itself(error) else ExitCode.FAILED
    except psycopg.OperationalError as error:
        logger.error(
            "PostgreSQL at %s failed the alert writer (%s); see whether it is up (make status) and start again: "
            "nothing is lost, an unfinished batch is read anew",
            settings.address("postgres"),
            str(error).strip().splitlines()[0],
        )
        return ExitCode.START_AGAIN if passes_by_itself(error) else ExitCode.FAILED
    except psycopg.Error as error:
        logger.error(
            "PostgreSQL refused the alert writer (%s); see whether migrations ran (patternalarm.migrations.upgrade)",
            str(error).strip().splitlines()[0],
        )
        return ExitCode.FAILED
    logger.info("stopped as asked, every batch committed")
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(main())
