"""Which events have come out of the Flink job, against a real broker."""

import json
import time

import pytest
from confluent_kafka import Producer
from transactions import Transactions

from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.hooks.features_progress import FeaturesProgress
from patternalarm.hooks.kafka_topics import KafkaTopicsHook


class Scope:
    """A scope of its own."""

    def __init__(self, settings, name):
        KafkaTopicsHook().create("payments", name)
        self.settings, self.name = settings, name
        self.producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})

    def topic(self, kind):
        return topic_name(kind, "payments", self.name)

    def events(self, partition, number):
        for n in range(number):
            self.producer.produce(self.topic(TopicKind.EVENTS), b"event %d" % n, partition=partition)
        self.producer.flush(10)

    def derive(self, kind, *coordinates):
        for partition, offset in coordinates:
            record = {
                "source_topic": self.topic(TopicKind.EVENTS),
                "source_partition": partition,
                "source_offset": offset,
            }
            self.write(kind, json.dumps(record).encode())

    def write(self, kind, *values):
        for value in values:
            self.producer.produce(self.topic(kind), value, partition=0)
        self.producer.flush(10)

    def progress(self):
        return FeaturesProgress("payments", self.name, self.settings)


def waiting(progress, expected, seconds=20):
    """What is waited for, once it is ``expected`` or the time is over: reading takes its time."""
    deadline = time.monotonic() + seconds
    while (found := progress.waiting()) != expected and time.monotonic() < deadline:
        pass
    return found


@pytest.fixture
def scope(kafka, request):
    return Scope(kafka, request.node.name.replace("_", "-")[:60].rstrip("-"))


def test_features_and_dead_letters_are_what_came_out(scope):
    scope.events(0, 3)
    scope.events(2, 1)
    progress = scope.progress()
    assert waiting(progress, 4) == 4
    scope.derive(TopicKind.FEATURES, (0, 0), (2, 0))
    scope.derive(TopicKind.DEAD_LETTERS, (0, 2))
    assert waiting(progress, 1) == 1
    scope.derive(TopicKind.FEATURES, (0, 1))
    assert waiting(progress, 0) == 0
    assert progress.seen == (4, 4)
    progress.close()


def test_bytes_that_stand_for_no_event_stop_nobody_and_count_for_none(scope):
    scope.events(0, 2)
    foreign = {"source_topic": "events.other", "source_partition": 0, "source_offset": 1}
    before = {**foreign, "source_topic": scope.topic(TopicKind.EVENTS), "source_offset": -1}
    odd = [
        None,
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b"[" * 100_000,
        *(json.dumps(r).encode() for r in (foreign, before)),
    ]
    scope.write(TopicKind.FEATURES, *odd)
    scope.derive(TopicKind.DEAD_LETTERS, (0, 0))
    progress = scope.progress()
    assert waiting(progress, 1) == 1
    scope.derive(TopicKind.FEATURES, (0, 1))
    assert waiting(progress, 0) == 0
    progress.close()


def test_one_that_was_delivered_again_does_not_stand_for_one_that_is_missing(scope):
    scope.events(0, 3)
    scope.derive(TopicKind.FEATURES, (0, 0), (0, 1), (0, 1), (0, 0))
    scope.derive(TopicKind.DEAD_LETTERS, (0, 1))
    progress = scope.progress()
    assert waiting(progress, 0, seconds=2) == 1
    progress.close()


def test_a_record_of_no_event_stands_for_none_and_stops_nothing(scope):
    scope.events(0, 2)
    scope.derive(TopicKind.FEATURES, (0, 0), (0, 7), (7, 0), (0, 2**62), (0, -1), (0, "1"), (None, 1))
    for broken in (b"{broken", b"[]", b"", b"1"):
        scope.producer.produce(scope.topic(TopicKind.FEATURES), broken, partition=0)
    scope.producer.flush(10)
    progress = scope.progress()
    assert waiting(progress, 0, seconds=2) == 1
    scope.derive(TopicKind.DEAD_LETTERS, (0, 1))
    assert waiting(progress, 0) == 0
    progress.close()


def test_offsets_without_a_committed_record_are_waited_for_by_nobody(scope):
    events = scope.topic(TopicKind.EVENTS)
    with Transactions(scope.settings.kafka_bootstrap, scope.name) as transactions:
        transactions.abort(events, 0, [b"gone"] * 5)
        transactions.commit(events, 0, [b"event"])
        transactions.abort(events, 1, [b"gone"])
    progress = scope.progress()
    assert waiting(progress, 1) == 1
    scope.derive(TopicKind.FEATURES, (0, 6))
    assert waiting(progress, 0) == 0
    progress.close()


def test_more_events_are_waited_for_too(scope):
    scope.events(0, 1)
    scope.derive(TopicKind.FEATURES, (0, 0))
    progress = scope.progress()
    assert waiting(progress, 0) == 0
    scope.events(0, 1)
    assert waiting(progress, 1) == 1
    progress.close()


def test_a_scope_without_events_waits_for_nothing(scope):
    progress = scope.progress()
    assert waiting(progress, 0) == 0
    progress.close()
