"""The alert writer of one domain and scope: ``python -m patternalarm.alerts.writer --pack P --scope S --model DIR``.

Reads ``evidence`` and ``pattern_hits`` from the offsets in ``alerting.consumer_offset`` on and writes alerts, each
batch in one transaction with its offsets: killed at any moment and started again, it loses and doubles nothing.
SIGTERM lets it finish its batch and leave with exit code 0. It leaves with 1 when Kafka or PostgreSQL fails it, when a
record breaks the contract or when a second writer shows up, and with 2 on bad input, before it read anything.
"""

import argparse
import logging
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from patternalarm.alerts.batch import BatchBuilder
from patternalarm.alerts.findings import ContractBreachError, read_evidence, read_pattern_hit
from patternalarm.alerts.kafka_input import InputRecord, KafkaInput, KafkaInputError
from patternalarm.alerts.progress import Progress
from patternalarm.alerts.reasons import PatternReasons, ScoreReasons
from patternalarm.alerts.store import Advance, AlertStore, AnotherWriterError, Partition
from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import DomainPack, PackError, load_pack
from patternalarm.contracts.runs import LIVE_SCOPE, check_run_id
from patternalarm.contracts.tables import SCORER_ROLE
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.models.forest import read_forest
from patternalarm.models.metadata import ModelError, ModelMetadata
from patternalarm.models.verify import verify_model
from patternalarm.patterns import PatternError, load_patterns
from patternalarm.settings import Settings, get_settings

BATCH_RECORDS: Final = 2_000

# How long a stop waits for a quiet topic; a record that comes meanwhile is taken at once.
WAIT_SECONDS: Final = 0.2

logger = logging.getLogger(__name__)


class AlertWriter:
    """Reads, explains, writes, until told to stop."""

    def __init__(
        self, pack: DomainPack, scope: str, source: KafkaInput, builder: BatchBuilder, store: AlertStore
    ) -> None:
        """Write what ``source``, not started yet, brings to ``store``."""
        self._pack, self._source, self._builder, self._store = pack, source, builder, store
        self._evidence_topic = topic_name(TopicKind.EVIDENCE, pack.name, scope)
        self._offsets: dict[Partition, int] = {}
        self._progress = Progress()

    def run(self, on_ready: Callable[[], None], stopping: Callable[[], bool]) -> None:
        """Work until ``stopping`` says so between two batches.

        ``on_ready`` is called once, when the next record would be taken at once.

        Raises:
            KafkaInputError, psycopg.Error: an engine failed.
            ContractBreachError: a record is not what the contract says.
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
        evidence = [read_evidence(r.value, self._pack, r.at) for r in records if r.at.topic == self._evidence_topic]
        hits = [read_pattern_hit(r.value, self._pack, r.at) for r in records if r.at.topic != self._evidence_topic]
        moved = {(r.at.topic, r.at.partition): r.at.offset + 1 for r in records}
        advances = [Advance(*partition, self._offsets[partition], at) for partition, at in moved.items()]
        written = self._store.write(self._builder.build([*evidence, *hits]), advances)
        self._offsets.update(moved)
        self._progress.committed(len(evidence), len(hits), written, max(r.timestamp_ms for r in records))


@dataclass(frozen=True)
class _Arguments:
    pack: str
    scope: str
    model: Path
    ready_file: Path


def _scope(text: str) -> str:
    try:
        return text if text == LIVE_SCOPE else check_run_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _new_file(text: str) -> Path:
    path = Path(text)
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {path.parent}; make it first")
    return path


def _parse(argv: Sequence[str] | None) -> _Arguments:
    parser = ArgumentParser(prog="patternalarm.alerts.writer", description=__doc__)
    parser.add_argument("--pack", required=True, help="name or path of a domain pack")
    parser.add_argument("--scope", required=True, type=_scope, help="live, or the run_id of an isolated run")
    parser.add_argument("--model", required=True, type=Path, help="directory of the model that scores")
    parser.add_argument("--ready-file", required=True, type=_new_file, help="file made once the writer is at work")
    given = parser.parse_args(argv)
    return _Arguments(given.pack, given.scope, given.model, given.ready_file)


def _score_reasons(arguments: _Arguments, pack: DomainPack, model: ModelMetadata) -> ScoreReasons:
    # shap takes seconds to import: a refusal, or an engine that is down, need not wait for it.
    from patternalarm.alerts.explainer import ForestExplainer

    trees = read_forest(arguments.model)
    try:
        explainer = ForestExplainer(trees, classes=len(model.classes), features=len(model.feature_names))
    except ValueError as error:
        raise ModelError(f"model {arguments.model}: {error}; train again with retrain_model") from error
    return ScoreReasons(pack, model, explainer)


def _serve(arguments: _Arguments, settings: Settings, stopping: Callable[[], bool]) -> None:
    pack = load_pack(arguments.pack)
    model = verify_model(arguments.model, pack)
    pattern_reasons = PatternReasons(load_patterns(pack.name))
    topics = [topic_name(kind, pack.name, arguments.scope) for kind in (TopicKind.EVIDENCE, TopicKind.PATTERN_HITS)]
    client_id = f"alert-writer.{pack.name}.{arguments.scope}"
    dsn = settings.dsn(SCORER_ROLE, settings.scorer_password)
    with psycopg.connect(dsn, autocommit=True, application_name=client_id) as connection:
        store = AlertStore(connection, arguments.scope, pack.name, pack.version)
        source = KafkaInput(settings.kafka_bootstrap, topics, client_id)
        try:
            score_reasons = _score_reasons(arguments, pack, model)
            builder = BatchBuilder(pack, arguments.scope, score_reasons.of, pattern_reasons.of)
            writer = AlertWriter(pack, arguments.scope, source, builder, store)
            writer.run(on_ready=arguments.ready_file.touch, stopping=stopping)
        finally:
            source.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring for the exit codes."""
    arguments = _parse(argv)
    settings = get_settings()
    stop_asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_asked.set())
    arguments.ready_file.unlink(missing_ok=True)
    try:
        _serve(arguments, settings, stop_asked.is_set)
    except (PackError, ModelError, PatternError) as error:
        logger.error("%s", error)
        return 2
    except (ContractBreachError, KafkaInputError, AnotherWriterError) as error:
        logger.error("%s", error)
        return 1
    except psycopg.OperationalError as error:
        logger.error(
            "PostgreSQL at %s:%s failed the alert writer (%s); see whether it is up (make status) and start again: "
            "nothing is lost, an unfinished batch is read anew",
            settings.host,
            settings.postgres_port,
            str(error).strip().splitlines()[0],
        )
        return 1
    except psycopg.Error as error:
        logger.error(
            "PostgreSQL refused the alert writer (%s); see whether migrations ran (patternalarm.migrations.upgrade)",
            str(error).strip().splitlines()[0],
        )
        return 1
    logger.info("stopped as asked, every batch committed")
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(main())
