"""How many events of a scope have come out of the Flink job, by their identity.

Delivery is at-least-once: counting records would take copies that were delivered again for events that are still missing.
So the source coordinates of what came out are marked, one byte of an array each, against the events that are on the topic.
"""

import time
from typing import Final

from confluent_kafka import OFFSET_BEGINNING, KafkaException, Message, TopicPartition

from patternalarm.contracts.records import derived_record
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.hooks.committed_records import Place, committed_reader, intact, is_end_of_partition
from patternalarm.settings import Settings

_TIMEOUT_SECONDS: Final = 15
_READ_AT_ONCE: Final = 5_000
# A look at a topic with much to read tells how far it came before it is through.
_LOOK_SECONDS: Final = 5.0


_ON_TOPIC: Final = 1
_CAME_OUT: Final = 2


class _Events:
    """What is known of each event by its partition and offset: whether it is on the topic, and whether it came out.

    Only what is on the topic counts: coordinates that no event has stand for none.
    """

    def __init__(self) -> None:
        self.known = self.out = 0
        self._states: dict[int, bytearray] = {}
        # The topics are read side by side, so an event may be seen to come out before it is seen itself.
        self._early: set[tuple[int, int]] = set()

    def add(self, partition: int, offset: int) -> None:
        states = self._states.setdefault(partition, bytearray())
        if offset >= len(states):
            states.extend(bytes(max(len(states), offset + 1 - len(states))))
        states[offset] = _ON_TOPIC
        self.known += 1
        if (partition, offset) in self._early:
            self._early.remove((partition, offset))
            self.come_out(partition, offset)

    def come_out(self, partition: int, offset: int) -> None:
        states = self._states.get(partition, bytearray())
        state = states[offset] if 0 <= offset < len(states) else 0
        if state == _ON_TOPIC:
            states[offset] = _CAME_OUT
            self.out += 1
        elif state != _CAME_OUT:
            self._early.add((partition, offset))


class FeaturesProgress:
    """Follows one scope's events, features and dead letters from their beginning; each record is read once.

    Args:
        domain: the domain.
        scope: the scope.
        settings: where Kafka is; that of the environment by default.
    """

    def __init__(self, domain: str, scope: str, settings: Settings | None = None) -> None:
        kinds = (TopicKind.EVENTS, TopicKind.FEATURES, TopicKind.DEAD_LETTERS)
        self._events_topic, *self._derived = (topic_name(kind, domain, scope) for kind in kinds)
        self._consumer = committed_reader(f"features-progress.{domain}.{scope}", settings)
        self._events = _Events()
        self._unfinished: set[Place] | None = None

    def waiting(self) -> int | None:
        """Events that came out neither as features nor as a dead letter; None while not all were read yet.

        Raises:
            KafkaException: Kafka cannot be reached, or refuses.
        """
        if self._unfinished is None:
            self._unfinished = self._begin()
        look_ends = time.monotonic() + _LOOK_SECONDS
        while messages := self._consumer.consume(_READ_AT_ONCE, timeout=0.2):
            for message in intact(messages):
                self._take(message, self._unfinished)
            if time.monotonic() > look_ends:
                break
        return None if self._unfinished else self._events.known - self._events.out

    @property
    def seen(self) -> tuple[int, int]:
        """Events that were read so far, and events that were seen to have come out."""
        return self._events.known, self._events.out

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()

    def _take(self, message: Message, unfinished: set[Place]) -> None:
        place = (message.topic() or "", message.partition() or 0)
        if is_end_of_partition(message):
            unfinished.discard(place)
            return
        unfinished.add(place)
        if place[0] == self._events_topic:
            self._events.add(place[1], message.offset() or 0)
        else:
            record = derived_record(message.value())
            if record and record["source_topic"] == self._events_topic:
                self._events.come_out(record["source_partition"], record["source_offset"])

    def _begin(self) -> set[Place]:
        places: set[Place] = set()
        for topic in (self._events_topic, *self._derived):
            metadata = self._consumer.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic]
            if metadata.error:
                raise KafkaException(metadata.error)
            places |= {(topic, partition) for partition in metadata.partitions}
        self._consumer.assign([TopicPartition(*place, OFFSET_BEGINNING) for place in places])
        return places
