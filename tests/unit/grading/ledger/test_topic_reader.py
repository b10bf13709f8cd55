from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
from confluent_kafka import KafkaError, KafkaException

from patternalarm.grading.errors import GradingError
from patternalarm.grading.ledger import topic_reader as module
from patternalarm.grading.ledger.topic_reader import Batch, TopicReader, decode

SCHEMA = pa.schema([("source_offset", pa.int64()), ("reason", pa.string())])


def batch(*values: bytes) -> Batch:
    return Batch(np.zeros(len(values), np.int32), np.arange(100, 100 + len(values)), list(values))


def test_fields_outside_the_schema_are_skipped_whatever_they_hold() -> None:
    decoded = decode(
        batch(b'{"values":[1.5,"NaN",NaN],"source_offset":7}', b'{"reason":"late","source_offset":8}'), SCHEMA
    )
    assert decoded.rows.to_pylist() == [
        {"source_offset": 7, "reason": None},
        {"source_offset": 8, "reason": "late"},
    ]
    assert decoded.broken == ()


def test_broken_records_are_named_and_spare_the_others() -> None:
    decoded = decode(
        batch(
            b'{"source_offset":1}',
            b"{broken",
            b"",
            b'{"source_offset":"one"}',
            b'{"source_offset":4}\n{"source_offset":44}',
            b"[5]",
            b'{"source_offset":\n6}',
        ),
        SCHEMA,
    )
    assert decoded.rows["source_offset"].to_pylist() == [1, 6]
    assert decoded.offset.tolist() == [100, 106]
    assert decoded.broken == tuple((0, offset) for offset in (101, 102, 103, 104, 105))


def test_batch_of_only_broken_records() -> None:
    decoded = decode(batch(b"x", b"[" * 100_000), SCHEMA)
    assert decoded.rows.num_rows == 0
    assert len(decoded.broken) == 2


class Message:
    """A record, or an error, of partition 0."""

    def __init__(self, offset: int = 0, value: bytes = b"", error: KafkaError | None = None) -> None:
        self.values = {"offset": offset, "value": value, "error": error, "partition": 0}

    def __getattr__(self, name: str):
        return lambda: self.values[name]


class Consumer:
    """A topic of one partition and three records; what is asked first, and what comes between, is scripted."""

    refusals: ClassVar[list] = []
    batches: ClassVar[list] = []

    def __init__(self, _config) -> None:
        pass

    def list_topics(self, topic, timeout):
        if Consumer.refusals:
            raise KafkaException(KafkaError(Consumer.refusals.pop(0)))
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None, partitions=[0])})

    def get_watermark_offsets(self, partition, timeout):
        return 0, 3

    def assign(self, partitions) -> None:
        pass

    def consume(self, most, timeout):
        return Consumer.batches.pop(0) if Consumer.batches else []

    def close(self) -> None:
        pass


@pytest.fixture
def consumer(monkeypatch):
    monkeypatch.setattr(module, "Consumer", Consumer)
    monkeypatch.setattr(Consumer, "refusals", [])
    monkeypatch.setattr(Consumer, "batches", [])
    return Consumer


def read() -> list[int]:
    return [offset for batch in TopicReader("nowhere:1").batches("t") for offset in batch.offset.tolist()]


def test_what_passes_by_itself_is_read_over(consumer) -> None:
    consumer.refusals = [KafkaError._TRANSPORT, KafkaError.LEADER_NOT_AVAILABLE]
    moved = Message(error=KafkaError(KafkaError.UNKNOWN_LEADER_EPOCH))
    consumer.batches = [[Message(0)], [moved], [Message(1), moved, Message(2)]]
    assert read() == [0, 1, 2]


def test_a_refused_read_is_told_at_once(consumer) -> None:
    consumer.batches = [[Message(0)], [Message(error=KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))]]
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        read()


def test_a_topic_that_gives_nothing_for_as_long_as_patience_is_named(consumer, monkeypatch) -> None:
    monkeypatch.setattr(module, "patience_of_settings", lambda: 0.05)
    consumer.batches = [[Message(0)], *[[Message(error=KafkaError(KafkaError._TRANSPORT))]] * 3]
    with pytest.raises(GradingError, match=r"no record came for .* before the end of partitions 0"):
        read()
