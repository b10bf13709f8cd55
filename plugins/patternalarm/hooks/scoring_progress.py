"""How far the scorer is: whether the last events that it owes a score have got theirs.

A real-time query tells no progress within a batch, and counting scores would take copies that were delivered again for
scores that are still missing. The scorer works through a partition of the features topic in order, so a partition is
done when its last event's score is there, or that event in quarantine.
"""

import base64
import json
from typing import Any, Final

from confluent_kafka import KafkaException, TopicPartition

from patternalarm.contracts.records import derived_record
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.hooks.committed_records import committed_reader, intact, is_end_of_partition
from patternalarm.retrying import retrying
from patternalarm.settings import Settings

_TIMEOUT_SECONDS: Final = 15
# How far back in a partition the last event to be scored may be: history may have been the last to reach one.
_LOOK_BACK_RECORDS: Final = 2_000
_READ_AT_ONCE: Final = 5_000
_CLOCK_MARGIN_MS: Final = 1_000

Identity = tuple[str, int, int]


class ScoringProgress:
    """Follows one scope's scores; create it when its features topic is complete.

    Args:
        domain: the domain.
        scope: the scope.
        score_from_ms: events older than this (epoch milliseconds) are owed no score.
        settings: where Kafka is; that of the environment by default.
    """

    def __init__(self, domain: str, scope: str, score_from_ms: int, settings: Settings | None = None) -> None:
        self._features = topic_name(TopicKind.FEATURES, domain, scope)
        self._scores = topic_name(TopicKind.SCORES, domain, scope)
        self._evidence = topic_name(TopicKind.EVIDENCE, domain, scope)
        self._score_from_ms = score_from_ms
        self._consumer = committed_reader(f"scoring-progress.{domain}.{scope}", settings)
        self._missing: set[Identity] = set()
        self._scores_from_ms = 0
        self._following = False

    def missing(self) -> int:
        """Partitions of the features topic whose last event has no score yet; 0 means that all is scored.

        Raises:
            KafkaException, TimeoutError: Kafka cannot be reached, or refuses; asked again, it goes on.
        """
        if not self._following:
            retrying("find the events that are owed a score")(self._begin)
        while self._missing:
            messages = self._consumer.consume(_READ_AT_ONCE, timeout=0.2)
            if not messages:
                break
            for message in intact(messages):
                if is_end_of_partition(message):
                    continue
                value = message.value()
                done = derived_record(_passed_on(value) if message.topic() == self._evidence else value)
                if done:
                    self._missing.discard(_identity(done))
        return len(self._missing)

    def close(self) -> None:
        """Leave Kafka."""
        self._consumer.close()

    def _begin(self) -> None:
        self._missing.clear()
        self._find_last_events()
        self._follow_scores()
        self._following = True

    def _find_last_events(self) -> None:
        sent_at: list[int] = []
        for partition in self._partitions(self._features):
            first, last = self._consumer.get_watermark_offsets(partition, timeout=_TIMEOUT_SECONDS)
            start = max(first, last - _LOOK_BACK_RECORDS)
            self._consumer.assign([TopicPartition(partition.topic, partition.partition, start)])
            newest: tuple[Identity, int] | None = None
            at_end = False
            while not at_end:
                # Asked for one by one: a call for many waits until it has them all.
                message = self._consumer.poll(_TIMEOUT_SECONDS)
                if message is None:
                    raise TimeoutError(f"Kafka gives nothing of {partition.topic} within {_TIMEOUT_SECONDS} s")
                at_end = is_end_of_partition(message)
                owed = None if at_end else _owed(message.value(), self._score_from_ms)
                if owed:
                    newest = owed, message.timestamp()[1]
            if newest:
                self._missing.add(newest[0])
                sent_at.append(newest[1])
        self._scores_from_ms = min(sent_at, default=0)

    def _follow_scores(self) -> None:
        partitions = self._partitions(self._scores) + self._partitions(self._evidence)
        # Asked for before the offsets by time: a score that comes in between must not be skipped.
        ends = {
            (p.topic, p.partition): self._consumer.get_watermark_offsets(p, timeout=_TIMEOUT_SECONDS)[1]
            for p in partitions
        }
        # A score is never older than the features record that it was made from; the margin is for uneven clocks.
        since = max(0, self._scores_from_ms - _CLOCK_MARGIN_MS)
        found = self._consumer.offsets_for_times(
            [TopicPartition(p.topic, p.partition, since) for p in partitions], timeout=_TIMEOUT_SECONDS
        )
        for partition in found:
            if partition.offset < 0:
                partition.offset = ends[partition.topic, partition.partition]
        self._consumer.assign(found)

    def _partitions(self, topic: str) -> list[TopicPartition]:
        metadata: Any = self._consumer.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic]
        if metadata.error:
            raise KafkaException(metadata.error)
        return [TopicPartition(topic, partition) for partition in metadata.partitions]


def _identity(record: dict[str, Any]) -> Identity:
    return record["source_topic"], record["source_partition"], record["source_offset"]


def _passed_on(value: bytes | None) -> bytes | None:
    """Bytes of the record that the scorer passed on into quarantine by this one; None for evidence, and for any other."""
    try:
        return base64.b64decode(json.loads(value or b"")["raw"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _owed(value: bytes | None, score_from_ms: int) -> Identity | None:
    """Identity of a features record that is owed a score; one that the scorer cannot read is owed none."""
    features = derived_record(value)
    time_ms = features.get("event_time_ms") if features else None
    return _identity(features) if features and type(time_ms) is int and time_ms >= score_from_ms else None
