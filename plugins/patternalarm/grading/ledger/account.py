"""Make the ledger of a run: ``python -m patternalarm.grading.ledger.account --run-id R``.

Reads the run's topics to the end offsets they have now, so the run must be drained and its topics still be there.
Writes the score log (Parquet) and ``platform.run_ledger``. Exit code 0 when the ledger is closed, 1 when it is not.
"""

import logging
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from patternalarm.contracts.alerts import EvidenceSource, SubjectType
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.topics import TopicKind, topics_of
from patternalarm.grading.alert_store import alerted_findings, load_quarantined, repeated_rows
from patternalarm.grading.command_line import run_command
from patternalarm.grading.ledger.decisions import ScoresOfAnotherModelError, decided_findings
from patternalarm.grading.ledger.ledger import (
    Decisions,
    DerivedRecords,
    EventRecords,
    Finding,
    Findings,
    GeneratorBooks,
    Ledger,
    Readings,
    account_for,
    identities,
    identity_of,
)
from patternalarm.grading.ledger.score_log import SCORE_SCHEMA, ScoreLogWriter, score_log_identities, score_log_path
from patternalarm.grading.ledger.topic_reader import TopicReader, decode
from patternalarm.grading.run_store import (
    Connection,
    connect,
    generator_books,
    load_model_version,
    load_shards,
    measured_from_ms,
    planned_events,
    save_ledger,
)
from patternalarm.models.metadata import ModelError, read_metadata
from patternalarm.models.registry import ModelRegistryError, get_model
from patternalarm.runs.registry import Run, get_run
from patternalarm.settings import get_settings

logger = logging.getLogger(__name__)


Coordinates = frozenset[tuple[int, int]]

_SOURCE_SCHEMA: Final = pa.schema(
    [
        ("source_topic", pa.string()),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
        ("source_crc", pa.int64()),
    ]
)
# Flags of an event that the ledger counts.
_FLAGS: Final = ("behind_watermark", "identity_forgotten")
_FEATURES_SCHEMA: Final = pa.schema(
    [*_SOURCE_SCHEMA, ("event_time_ms", pa.int64()), *((name, pa.bool_()) for name in _FLAGS)]
)
_DEAD_LETTERS_SCHEMA: Final = _SOURCE_SCHEMA.append(pa.field("reason", pa.string()))
# A record with a ``stage`` is what another stage passed on into quarantine, in place of evidence.
_EVIDENCE_SCHEMA: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("event_id", "actor_id", "fraud_type", "stage", "source_topic")),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
    ]
)
_EVIDENCE_REQUIRED: Final = ("event_id", "actor_id", "fraud_type", "source_partition", "source_offset")
_PATTERN_HITS_SCHEMA: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("fraud_type", "subject_type", "subject_id")),
        ("events", pa.list_(pa.struct([("actor_id", pa.string()), ("event_id", pa.string())]))),
    ]
)


def read_events(reader: TopicReader, topic: str) -> EventRecords:
    """Coordinates, CRC-32 and a hash of the bytes of every event."""
    partitions, offsets, crcs, contents = [], [], [], []
    for batch in reader.batches(topic):
        partitions.append(batch.partition)
        offsets.append(batch.offset)
        crcs.append(np.fromiter(map(zlib.crc32, batch.values), np.int64, len(batch.values)))
        contents.append(np.fromiter(map(hash, batch.values), np.int64, len(batch.values)))
    span = sum(end - begin for begin, end in reader.spans(topic).values())
    return EventRecords(
        topic,
        span,
        _joined(partitions, np.int32),
        _joined(offsets, np.int64),
        _joined(crcs, np.int64),
        _joined(contents, np.int64),
    )


class DerivedReader:
    """Reads a topic of records made from events; iterating gives each batch's rows, ``records`` their coordinates."""

    def __init__(self, reader: TopicReader, topic: str, events_topic: str, schema: pa.Schema) -> None:
        self._reader = reader
        self._topic = topic
        self._events_topic = events_topic
        self._schema = schema
        self._columns: dict[str, list[NDArray[Any]]] = {
            name: []
            for name in ("source_partition", "source_offset", "source_crc", "event_time_ms")
            if name in schema.names
        }
        self._unreadable: list[tuple[int, int]] = []

    def __iter__(self) -> Iterator[pa.Table]:
        for batch in self._reader.batches(self._topic):
            decoded = decode(batch, self._schema)
            sound = pc.equal(decoded.rows["source_topic"], self._events_topic)
            for name in self._columns:
                sound = pc.and_(sound, pc.is_valid(decoded.rows[name]))
            sound = pc.fill_null(sound, False)
            foreign = ~sound.to_numpy()
            self._unreadable += decoded.broken
            self._unreadable += zip(decoded.partition[foreign].tolist(), decoded.offset[foreign].tolist(), strict=True)
            rows = decoded.rows.filter(sound)
            for name, parts in self._columns.items():
                parts.append(rows[name].to_numpy())
            yield rows

    @property
    def records(self) -> DerivedRecords:
        """What has been iterated over."""
        columns = {name: _joined(parts, np.int64) for name, parts in self._columns.items()}
        return DerivedRecords(
            self._topic,
            columns["source_partition"].astype(np.int32),
            columns["source_offset"],
            columns["source_crc"],
            columns.get("event_time_ms"),
            tuple(self._unreadable),
        )


def read_features(
    reader: TopicReader, topic: str, events_topic: str
) -> tuple[DerivedRecords, dict[str, NDArray[np.int64]]]:
    """Coordinates, CRC and event time of every features record, and the identities of those with a flag, by its name."""
    features = DerivedReader(reader, topic, events_topic, _FEATURES_SCHEMA)
    flagged: dict[str, list[NDArray[np.int64]]] = {name: [] for name in _FLAGS}
    for rows in features:
        for name, parts in flagged.items():
            those = rows.filter(pc.fill_null(rows[name], False))
            parts.append(identities(those["source_partition"].to_numpy(), those["source_offset"].to_numpy()))
    return features.records, {name: _joined(parts, np.int64) for name, parts in flagged.items()}


def read_dead_letters(reader: TopicReader, topic: str, events_topic: str) -> tuple[DerivedRecords, dict[str, int]]:
    """Coordinates and CRC of every dead letter, and how many distinct events gave which reason."""
    letters = DerivedReader(reader, topic, events_topic, _DEAD_LETTERS_SCHEMA)
    reasons: dict[tuple[int, int], str] = {}
    for rows in letters:
        keys = zip(rows["source_partition"].to_pylist(), rows["source_offset"].to_pylist(), strict=True)
        reasons.update(zip(keys, rows["reason"].to_pylist(), strict=True))
    return letters.records, dict(Counter(reasons.values()))


def archive_scores(reader: TopicReader, topic: str, events_topic: str, path: Path, run: Run) -> DerivedRecords:
    """Write the score log from the scores topic; coordinates and CRC of every record that was read."""
    scores = DerivedReader(reader, topic, events_topic, SCORE_SCHEMA)
    run_columns = {
        "scope": run.run_id,
        "domain": run.domain,
        "pack_version": run.pack_version,
        "pattern_set": run.pattern_set,
    }
    with ScoreLogWriter(path, run_columns) as log:
        for rows in scores:
            log.write(rows)
    return scores.records


def read_evidence(
    reader: TopicReader, topic: str, events_topic: str, alerted: frozenset[Finding], aside: Coordinates
) -> tuple[Findings, set[tuple[int, Finding]]]:
    """Events of the scored evidence against those in alerts, and what each is evidence of by its identity.

    ``aside`` is where records lie that are in quarantine: they are no findings.
    """
    found: set[Finding] = set()
    pairs: set[tuple[int, Finding]] = set()
    unreadable: list[tuple[int, int]] = []
    for batch in reader.batches(topic):
        decoded = decode(batch, _EVIDENCE_SCHEMA)
        unreadable += [place for place in decoded.broken if place not in aside]
        places = zip(decoded.partition.tolist(), decoded.offset.tolist(), strict=True)
        for place, row in zip(places, decoded.rows.to_pylist(), strict=True):
            if row["stage"] is not None or place in aside:
                continue
            if None in (row[name] for name in _EVIDENCE_REQUIRED) or row["source_topic"] != events_topic:
                unreadable.append(place)
                continue
            actor_id = row["actor_id"]
            finding = Finding(row["fraud_type"], SubjectType.ACTOR, actor_id, actor_id, row["event_id"])
            found.add(finding)
            pairs.add((identity_of(row["source_partition"], row["source_offset"]), finding))
    return Findings(topic, frozenset(found), alerted, tuple(unreadable)), pairs


def read_pattern_hits(reader: TopicReader, topic: str, alerted: frozenset[Finding], aside: Coordinates) -> Findings:
    """Events that the pattern hits hold, against those in alerts; ``aside`` as for evidence."""
    found: set[Finding] = set()
    unreadable: list[tuple[int, int]] = []
    for batch in reader.batches(topic):
        decoded = decode(batch, _PATTERN_HITS_SCHEMA)
        unreadable += [place for place in decoded.broken if place not in aside]
        places = zip(decoded.partition.tolist(), decoded.offset.tolist(), strict=True)
        for place, row in zip(places, decoded.rows.to_pylist(), strict=True):
            if place in aside:
                continue
            subject = row["fraud_type"], row["subject_type"], row["subject_id"]
            events = [
                (event["actor_id"], event["event_id"]) if event else (None, None) for event in row["events"] or ()
            ]
            if None in subject or not events or any(None in event for event in events):
                unreadable.append(place)
                continue
            found.update(Finding(*subject, *event) for event in events)
    return Findings(topic, frozenset(found), alerted, tuple(unreadable))


def read_decisions(
    connection: Connection, run: Run, log_path: Path, topic: str, evidence: set[tuple[int, Finding]]
) -> Decisions:
    """What the score log alerts on by the frozen thresholds of the run's model, against the evidence on ``topic``."""
    version = load_model_version(connection, run)
    try:
        if version is None:
            raise ModelRegistryError("the run knows no model of its own")
        model = get_model(connection, run.domain, version)
        # The registered thresholds are frozen; the file beside the model is not.
        metadata = read_metadata(Path(model.path)).model_copy(update={"thresholds": model.thresholds})
        decided = decided_findings(log_path, metadata)
    except (ModelRegistryError, ModelError, ScoresOfAnotherModelError) as error:
        return Decisions(topic, {}, evidence, without_model=str(error))
    return Decisions(topic, decided, evidence)


def read_run(connection: Connection, reader: TopicReader, run: Run, books: GeneratorBooks, log_path: Path) -> Readings:
    """Read all topics and tables of a run, and write its score log.

    A run without a measured phase (retraining) has neither scorer nor alert writer, so nothing is read of theirs.

    Raises:
        GradingError: a topic of the run does not exist or stops answering.
    """
    topics = topics_of(run.domain, run.run_id)
    events = read_events(reader, topics[TopicKind.EVENTS])
    features, flagged = read_features(reader, topics[TopicKind.FEATURES], events.topic)
    dead_letters, reasons = read_dead_letters(reader, topics[TopicKind.DEAD_LETTERS], events.topic)
    readings = Readings(
        books=books,
        events=events,
        features=features,
        dead_letters=dead_letters,
        scores=DerivedRecords.empty(topics[TopicKind.SCORES]),
        score_log=np.empty(0, np.int64),
        measured_from_ms=measured_from_ms(run),
        dead_letter_reasons=reasons,
        planned=planned_events(run),
        behind_watermark=flagged["behind_watermark"],
        identity_forgotten=flagged["identity_forgotten"],
        quarantined=load_quarantined(connection, run.run_id, events.topic),
    )
    if readings.measured_from_ms is None:
        return readings
    alerted = alerted_findings(connection, run.run_id)
    scores = archive_scores(reader, topics[TopicKind.SCORES], events.topic, log_path, run)
    evidence_topic, hits_topic = topics[TopicKind.EVIDENCE], topics[TopicKind.PATTERN_HITS]
    aside = {
        topic: frozenset((one.partition, one.offset) for one in readings.quarantined if one.topic == topic)
        for topic in (evidence_topic, hits_topic)
    }
    evidence, pairs = read_evidence(
        reader, evidence_topic, events.topic, alerted[EvidenceSource.SCORE], aside[evidence_topic]
    )
    hits = read_pattern_hits(reader, hits_topic, alerted[EvidenceSource.PATTERN], aside[hits_topic])
    return replace(
        readings,
        scores=scores,
        score_log=score_log_identities(log_path),
        decisions=read_decisions(connection, run, log_path, evidence_topic, pairs),
        findings=(evidence, hits),
        repeated=repeated_rows(connection, run.run_id),
    )


def account(run_id: str) -> int:
    """Make, store and print the ledger of ``run_id``; the command's exit code."""
    settings = get_settings()
    started = time.monotonic()
    with connect(settings) as connection:
        run = get_run(connection, run_id)
        books = generator_books(load_shards(connection, run_id))
        log_path = score_log_path(settings.score_log_dir, run.domain, run_id)
        readings = read_run(connection, TopicReader(settings.kafka_bootstrap), run, books, log_path)
        ledger = account_for(readings)
        save_ledger(connection, run_id, ledger)
    logger.info("ledger made in %.1f s", time.monotonic() - started)
    return _tell(run_id, ledger)


def _tell(run_id: str, ledger: Ledger) -> int:
    sys.stdout.write(
        f"ledger of {run_id}: generated {ledger.generated:,}, acknowledged {ledger.acknowledged:,}, "
        f"on topic {ledger.offset_span:,}, featurised {ledger.featurised:,}, dead-lettered {ledger.dead_lettered:,}, "
        f"to score {ledger.to_score:,}, scored {ledger.scored:,}; lost {ledger.lost:,}, "
        f"duplicated {ledger.duplicated:,}, altered {ledger.altered:,}, overlapping {ledger.overlapping:,}, "
        f"redelivered {ledger.redelivered:,}\n"
    )
    if ledger.closed:
        sys.stdout.write("the ledger is closed\n")
        return 0
    sys.stderr.write(f"error: the ledger of {run_id} is not closed: {ledger.failure()}\n")
    return ExitCode.FAILED


def _joined(parts: list[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts).astype(dtype, copy=False) if parts else np.empty(0, dtype)


if __name__ == "__main__":
    sys.exit(run_command(str(__doc__), account))
