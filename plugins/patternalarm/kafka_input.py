"""Input of a process that keeps its offsets itself: topics read from given offsets on, without a consumer group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from patternalarm.contracts.records import Coordinates, Partition

_ANSWER_SECONDS: Final = 10.0


class KafkaInputError(RuntimeError):
    """Kafka is gone, a topic is, or the records after a stored offset are; the message names cause and remedy."""


class OffsetGoneError(KafkaInputError):
    """Kafka does not hold the record after a stored offset."""


@dataclass(frozen=True)
class Reader:
    """Who reads, as messages tell it.

    Attributes:
        name: of the process, in words.
        bookkeeper: who keeps its offsets.
        remedy: what to do when Kafka no longer holds what lies after one of them.
    """

    name: str
    bookkeeper: str
    remedy: str


@dataclass(frozen=True)
class InputRecord:
    """A record: where it lies, its bytes, and Kafka's timestamp of it in epoch milliseconds."""

    at: Coordinates
    value: bytes | None
    timestamp_ms: int


class KafkaInput:
    """Reads topics from given offsets on. Not thread-safe."""

    def __init__(self, bootstrap: str, topics: Sequence[str], client_id: str, reader: Reader) -> None:
        """Connect to ``bootstrap`` and find the partitions of ``topics``.

        Raises:
            KafkaInputError: Kafka does not answer, or one of the topics does not exist.
        """
        self._bootstrap, self._reader = bootstrap, reader
        self._brokers_lost = False
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": client_id,
                # librdkafka asks for a group even where none is joined: offsets live with the bookkeeper alone.
                "group.id": client_id,
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                # A stored offset that Kafka no longer has means lost records, never a silent jump.
                "auto.offset.reset": "error",
                "fetch.wait.max.ms": 10,
                "allow.auto.create.topics": False,
                "error_cb": self._on_error,
            }
        )
        self._next: dict[Partition, int] = {}
        self._partitions = [(topic, number) for topic in topics for number in self._partitions_of(topic)]

    def earliest(self) -> dict[Partition, int]:
        """First offset that Kafka still has, by partition.

        Raises:
            KafkaInputError: Kafka does not answer.
        """
        return {partition: low for partition, (low, _) in self.spans().items()}

    def spans(self) -> dict[Partition, tuple[int, int]]:
        """First offset that Kafka still has, and the one that its next record gets, by partition.

        Raises:
            KafkaInputError: Kafka does not answer.
        """
        return {partition: self._watermarks(partition) for partition in self._partitions}

    def start(self, offsets: Mapping[Partition, int]) -> None:
        """Read every partition from its offset on.

        Raises:
            OffsetGoneError: an offset is outside what Kafka has.
            KafkaInputError: Kafka does not answer.
        """
        self._next = {partition: offsets[partition] for partition in self._partitions}
        for partition, offset in self._next.items():
            low, high = self._watermarks(partition)
            if not low <= offset <= high:
                raise self._gone(partition, f"it now holds {low} to {high}")
        self._consumer.assign([TopicPartition(*partition, offset) for partition, offset in self._next.items()])

    def read(self, most: int, wait_seconds: float) -> list[InputRecord]:
        """The next records, at most ``most``: waits for a first one, then takes what is there.

        Raises:
            KafkaInputError: Kafka does not answer, a topic is gone, or an offset is.
        """
        first = self._consumer.poll(wait_seconds)
        if self._brokers_lost:
            self._ask_whether_kafka_is_there()
        if first is None:
            return []
        return [self._record(message) for message in (first, *self._consumer.consume(most - 1, 0))]

    def behind(self) -> int:
        """Records that were not read yet, as far as the last answers of Kafka tell."""
        total = 0
        for partition, position in self._next.items():
            _, high = self._consumer.get_watermark_offsets(TopicPartition(*partition), cached=True)
            total += max(0, high - position)
        return total

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()

    def _record(self, message: Message) -> InputRecord:
        error = message.error()
        if error is not None:
            raise self._refusal(error, str(message.topic()), int(message.partition() or 0))
        at = Coordinates(str(message.topic()), int(message.partition() or 0), int(message.offset() or 0))
        self._next[at.topic, at.partition] = at.offset + 1
        return InputRecord(at, message.value(), message.timestamp()[1])

    def _refusal(self, error: KafkaError, topic: str, number: int) -> KafkaInputError:
        if error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            return self._gone((topic, number), error.str())
        if error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
            return KafkaInputError(f"topic {topic} is gone: it was dropped while its {self._reader.name} was running")
        refusal = KafkaInputError(f"topic {topic}, partition {number}: Kafka at {self._bootstrap} says: {error.str()}")
        # Whether it passes by itself is judged by Kafka's own error.
        refusal.__cause__ = KafkaException(error)
        return refusal

    def _gone(self, partition: Partition, found: str) -> OffsetGoneError:
        topic, number = partition
        return OffsetGoneError(
            f"topic {topic}, partition {number}: Kafka has no offset {self._next[partition]} "
            f"({found}): retention removed unread records, or the topic was made anew; {self._reader.remedy}"
        )

    def _partitions_of(self, topic: str) -> list[int]:
        try:
            found = self._consumer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic]
            missing = found.error is not None and found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART
            if found.error is not None and not missing:
                raise KafkaException(found.error)
        except KafkaException as error:
            raise self._no_answer(error) from error
        # Whoever makes a run's topics waits until they answer, so that a topic which is missing here is not coming.
        if missing or not found.partitions:
            raise KafkaInputError(f"topic {topic} does not exist on {self._bootstrap}: create the run's topics first")
        return sorted(found.partitions)

    def _watermarks(self, partition: Partition) -> tuple[int, int]:
        try:
            low, high = self._consumer.get_watermark_offsets(TopicPartition(*partition), timeout=_ANSWER_SECONDS)
        except KafkaException as error:
            raise self._no_answer(error) from error
        return int(low), int(high)

    def _on_error(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._brokers_lost = True

    def _ask_whether_kafka_is_there(self) -> None:
        self._brokers_lost = False
        try:
            self._consumer.list_topics(timeout=_ANSWER_SECONDS)
        except KafkaException as error:
            raise self._no_answer(error) from error

    def _no_answer(self, error: KafkaException) -> KafkaInputError:
        cause: Any = error.args[0]
        return KafkaInputError(
            f"Kafka at {self._bootstrap} does not answer ({cause.str()}); see whether it is up (make status) and "
            f"start again: nothing is lost, reading goes on where {self._reader.bookkeeper} says"
        )
