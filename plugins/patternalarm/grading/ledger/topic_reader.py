"""Reads the committed records of a topic from its beginning to the end offsets it has now, in large batches."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.json
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from numpy.typing import NDArray

from patternalarm.grading.errors import GradingError
from patternalarm.passing_errors import passes_by_itself
from patternalarm.retrying import Complaints, patience_of_settings, retrying

logger = logging.getLogger(__name__)

BATCH_RECORDS: Final = 20_000
_ANSWER_SECONDS: Final = 10.0
# Longer than any record: a dead letter carries a record of up to Kafka's 1 MB as base64.
_PARSE_BLOCK_BYTES: Final = 4 << 20


@dataclass(frozen=True)
class Batch:
    """Records as read: their partition and offset on the topic, and their raw bytes (empty for a tombstone)."""

    partition: NDArray[np.int32]
    offset: NDArray[np.int64]
    values: list[bytes]


class TopicReader:
    """Reads topics of one Kafka cluster without joining a consumer group."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        # The group is never joined nor committed to; the client only insists on a name.
        self._config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "group.id": "patternalarm-ledger",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "fetch.message.max.bytes": 8 << 20,
            "queued.max.messages.kbytes": 128 << 10,
            "queued.min.messages": 500_000,
            # The defaults make the fetcher sleep a second whenever the queue was full.
            "fetch.queue.backoff.ms": 1,
            "fetch.wait.max.ms": 20,
        }

    def spans(self, topic: str) -> dict[int, tuple[int, int]]:
        """Begin and end offset of every partition of ``topic``.

        Raises:
            GradingError: there is no such topic.
            KafkaException: Kafka did not answer.
        """
        consumer = Consumer(self._config)
        try:
            return retrying(f"ask for the offsets of {topic}")(self._spans, consumer, topic)
        finally:
            consumer.close()

    def batches(self, topic: str) -> Iterator[Batch]:
        """Every record between the begin and the end offsets that ``topic`` has when this is called.

        Raises:
            GradingError: there is no such topic, or reading it made no progress for as long as patience.
            KafkaException: Kafka did not answer as long as patience lasted, or refused a read.
        """
        consumer = Consumer(self._config)
        started = time.monotonic()
        records = 0
        try:
            spans = retrying(f"ask for the offsets of {topic}")(self._spans, consumer, topic)
            complaints = Complaints(f"read {topic}")
            ends = {p: end for p, (begin, end) in spans.items() if end > begin}
            open_partitions = set(ends)
            consumer.assign([TopicPartition(topic, p, spans[p][0]) for p in ends])
            moved = time.monotonic()
            while open_partitions:
                messages = consumer.consume(BATCH_RECORDS, timeout=0.1)
                came = self._without_passing_errors(messages, complaints)
                batch = self._batch(came, ends, open_partitions)
                if batch.values:
                    moved = time.monotonic()
                    records += len(batch.values)
                    yield batch
                elif came:
                    moved = time.monotonic()
                elif time.monotonic() - moved > patience_of_settings():
                    raise GradingError(
                        f"{topic}: no record came for {patience_of_settings():.0f} s before the end of partitions "
                        f"{', '.join(map(str, sorted(open_partitions)))}; look at Kafka's log (`make logs S=kafka`)"
                    )
            logger.info("read %s: %s records in %.1f s", topic, f"{records:,}", time.monotonic() - started)
        finally:
            consumer.close()

    def _spans(self, consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
        found = consumer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic]
        if found.error is not None:
            if found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise GradingError(
                    f"topic {topic} does not exist: the run never made it, or its teardown has dropped it already; "
                    "a run is accounted for before its topics are dropped"
                )
            raise KafkaException(found.error)
        spans = {}
        for partition in found.partitions:
            begin_and_end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=_ANSWER_SECONDS)
            if begin_and_end is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            spans[partition] = begin_and_end
        return spans

    @staticmethod
    def _without_passing_errors(messages: list[Any], complaints: Complaints) -> list[Any]:
        """The messages but for errors that pass by themselves, after which the client reads on."""
        came = []
        for message in messages:
            error = message.error()
            if error is not None and passes_by_itself(KafkaException(error)):
                complaints.hear(KafkaException(error), "reading on")
            else:
                came.append(message)
        return came

    @staticmethod
    def _batch(messages: list[Any], ends: dict[int, int], open_partitions: set[int]) -> Batch:
        """The records among ``messages`` before their partition's end; closes partitions that reached it."""
        records = [message for message in messages if message.error() is None]
        if len(records) < len(messages):
            for message in messages:
                error = message.error()
                if error is not None:
                    if error.code() != KafkaError._PARTITION_EOF:
                        raise KafkaException(error)
                    open_partitions.discard(message.partition())
        partition = np.fromiter((message.partition() for message in records), np.int32, len(records))
        offset = np.fromiter((message.offset() for message in records), np.int64, len(records))
        values = [message.value() or b"" for message in records]
        before_end = np.ones(len(records), dtype=bool)
        for p in np.unique(partition).tolist():
            here = partition == p
            before_end[here] = offset[here] < ends[p]
            if offset[here].max() + 1 >= ends[p]:
                open_partitions.discard(p)
        if before_end.all():
            return Batch(partition, offset, values)
        kept = np.flatnonzero(before_end)
        return Batch(partition[kept], offset[kept], [values[i] for i in kept])


@dataclass(frozen=True)
class Decoded:
    """Rows parsed from a batch, the topic's partition and offset of each, and the coordinates of broken records."""

    rows: pa.Table
    partition: NDArray[np.int32]
    offset: NDArray[np.int64]
    broken: tuple[tuple[int, int], ...]


def decode(batch: Batch, schema: pa.Schema) -> Decoded:
    """Parse a batch's JSON objects into ``schema``; fields outside it are skipped unparsed, absent ones are null.

    A record that is no JSON object, or whose fields are of other types, is broken.
    """
    try:
        table = _parse(b"\n".join(batch.values), schema)
        if table.num_rows == len(batch.values):
            return Decoded(table, batch.partition, batch.offset, ())
    except pa.ArrowInvalid:
        pass
    # One broken record spoils its whole block, so such a batch is parsed again record by record.
    tables = [schema.empty_table()]
    sound: list[int] = []
    for index, value in enumerate(batch.values):
        try:
            if isinstance(json.loads(value), dict):
                tables.append(_parse(value.replace(b"\n", b" "), schema))
                sound.append(index)
        except (ValueError, RecursionError, pa.ArrowInvalid):
            continue
    is_broken = np.ones(len(batch.values), dtype=bool)
    is_broken[sound] = False
    broken = zip(batch.partition[is_broken].tolist(), batch.offset[is_broken].tolist(), strict=True)
    return Decoded(pa.concat_tables(tables), batch.partition[sound], batch.offset[sound], tuple(broken))


def _parse(lines: bytes, schema: pa.Schema) -> pa.Table:
    return pyarrow.json.read_json(
        pa.BufferReader(lines),
        read_options=pyarrow.json.ReadOptions(block_size=_PARSE_BLOCK_BYTES),
        parse_options=pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )
