"""Where the committed records of a topic end, which is not where its offsets do.

The markers that end a producer's transactions take offsets, and the records of an aborted one take some that no reader
gets. So a reader that has read everything may stand short of the end offset for ever: what is left beyond it is told by
reading on as it would, committed records only.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from patternalarm.settings import Settings, get_settings

_TIMEOUT_SECONDS: Final = 15

Place = tuple[str, int]
"""Topic and partition."""


def committed_reader(group: str, settings: Settings | None = None) -> Consumer:
    """A consumer of committed records that tells when it reached a partition's end; it joins no group."""
    return Consumer(
        {
            "bootstrap.servers": (settings or get_settings()).kafka_bootstrap,
            "group.id": group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
        }
    )


def is_end_of_partition(message: Any) -> bool:
    """Whether ``message`` tells that its partition's end is reached.

    Raises:
        KafkaException: it tells another error.
    """
    error = message.error()
    if error is None:
        return False
    if error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    return True


def intact(messages: Iterable[Any]) -> Iterator[Any]:
    """Records and ends of partitions among ``messages``, all of them before an error is raised: what was read beside an
    error is not read again.

    Raises:
        KafkaException: one of them told an error.
    """
    failure = None
    for message in messages:
        error = message.error()
        if error is None or error.code() == KafkaError._PARTITION_EOF:
            yield message
        else:
            failure = failure or error
    if failure:
        raise KafkaException(failure)


def with_committed_records(positions: Mapping[Place, int], settings: Settings | None = None) -> set[Place]:
    """Those partitions that hold a committed record at the offset of their position, or later.

    Raises:
        KafkaException, TimeoutError: Kafka cannot be reached, or refuses.
    """
    found: set[Place] = set()
    unknown = set(positions)
    consumer = committed_reader("committed-records", settings)
    try:
        consumer.assign([TopicPartition(*place, offset) for place, offset in positions.items()])
        patience_ends = time.monotonic() + _TIMEOUT_SECONDS
        while unknown:
            message = consumer.poll(0.5)
            if message is None:
                if time.monotonic() > patience_ends:
                    raise TimeoutError(f"Kafka does not tell within {_TIMEOUT_SECONDS} s what is left of {unknown}")
                continue
            place = (message.topic() or "", message.partition() or 0)
            if not is_end_of_partition(message) and place in unknown:
                found.add(place)
                consumer.incremental_unassign([TopicPartition(*place)])
            unknown.discard(place)
    finally:
        consumer.close()
    return found


class Backlog:
    """How much of some topics a reader has not read, look by look.

    By offsets while the reader moves; once it rests short of the end, it is asked whether any record is left there.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self._settings = settings
        self._positions: dict[Place, int] | None = None

    def left(self, spans: Mapping[Place, tuple[int, int]], read: Mapping[Place, int]) -> int:
        """Offsets that hold something unread; 0 means that every committed record is read.

        Args:
            spans: first offset and offset after the last, by partition.
            read: offset that the reader wants next, by partition; one that is missing wants the first.

        Raises:
            KafkaException, TimeoutError: Kafka cannot be reached, or refuses.
        """
        positions = {place: max(first, read.get(place, 0)) for place, (first, _) in spans.items()}
        left = {place: last - positions[place] for place, (_, last) in spans.items() if last > positions[place]}
        if left and positions == self._positions:
            holding = with_committed_records({place: positions[place] for place in left}, self._settings)
            left = {place: offsets for place, offsets in left.items() if place in holding}
        self._positions = positions
        return sum(left.values())
