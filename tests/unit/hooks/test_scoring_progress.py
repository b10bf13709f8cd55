"""Which events are owed a score, against a real broker."""

import base64
import json
import time
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from transactions import Transactions

from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.hooks.scoring_progress import ScoringProgress
from patternalarm.passing_errors import passes_by_itself

SCORE_FROM_MS = 1_000


class Scope:
    """A scope of its own with the two topics that count."""

    def __init__(self, settings, name):
        KafkaTopicsHook().create("payments", name)
        self.settings = settings
        self.name = name
        self.producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})

    def write(self, kind, partition, *records):
        """Records as (source partition, source offset, event time)."""
        for source_partition, source_offset, event_time_ms in records:
            record = {
                "source_topic": "events",
                "source_partition": source_partition,
                "source_offset": source_offset,
                "event_time_ms": event_time_ms,
            }
            topic = topic_name(kind, "payments", self.name)
            self.producer.produce(topic, json.dumps(record).encode(), partition=partition)
        self.producer.flush(10)

    def progress(self):
        return ScoringProgress("payments", self.name, SCORE_FROM_MS, self.settings)


def missing(progress, expected, seconds=20):
    """What is missing, once it is ``expected`` or the time is over: reading takes its time."""
    deadline = time.monotonic() + seconds
    while (found := progress.missing()) != expected and time.monotonic() < deadline:
        pass
    return found


@pytest.fixture
def scope(kafka, request):
    return Scope(kafka, request.node.name.replace("_", "-")[:60].rstrip("-"))


def test_all_is_scored_when_the_last_event_of_every_partition_is(scope):
    scope.write(TopicKind.FEATURES, 0, (0, 0, 1_000), (0, 1, 1_001))
    scope.write(TopicKind.FEATURES, 1, (1, 0, 1_000), (1, 7, 1_001))
    progress = scope.progress()
    assert missing(progress, 2) == 2
    scope.write(TopicKind.SCORES, 1, (0, 0, 1_000), (0, 1, 1_001))
    assert missing(progress, 1) == 1
    scope.write(TopicKind.SCORES, 0, (1, 0, 1_000), (1, 7, 1_001))
    assert missing(progress, 0) == 0
    progress.close()


def test_copies_that_were_delivered_again_count_for_nothing(scope):
    scope.write(TopicKind.FEATURES, 0, (0, 0, 1_000), (0, 1, 1_001))
    scope.write(TopicKind.SCORES, 0, *[(0, 0, 1_000)] * 5)
    progress = scope.progress()
    assert missing(progress, 0, seconds=2) == 1
    progress.close()


def test_scores_that_were_there_before_are_seen(scope):
    scope.write(TopicKind.FEATURES, 0, (0, 0, 1_000))
    scope.write(TopicKind.SCORES, 1, (0, 0, 1_000))
    progress = scope.progress()
    assert missing(progress, 0) == 0
    progress.close()


def test_history_is_owed_no_score(scope):
    scope.write(TopicKind.FEATURES, 0, (0, 0, 1_000), (0, 1, 999))
    scope.write(TopicKind.FEATURES, 1, (1, 0, 10), (1, 1, 20))
    progress = scope.progress()
    assert missing(progress, 1) == 1
    scope.write(TopicKind.SCORES, 0, (0, 0, 1_000))
    assert missing(progress, 0) == 0
    progress.close()


def test_a_record_that_the_scorer_cannot_read_is_owed_no_score(scope):
    scope.write(TopicKind.FEATURES, 0, (0, 0, 1_000))
    for value in (b"{", b"", b"[]", b'{"event_time_ms": "noon"}', b'{"event_time_ms": 2000}', b"\xff", b"[" * 100_000):
        scope.producer.produce(topic_name(TopicKind.FEATURES, "payments", scope.name), value, partition=0)
    scope.producer.flush(10)
    for value in (None, b"{", b"[]", b"[" * 100_000):
        scope.producer.produce(topic_name(TopicKind.SCORES, "payments", scope.name), value, partition=0)
    scope.producer.flush(10)
    progress = scope.progress()
    assert missing(progress, 1) == 1
    scope.write(TopicKind.SCORES, 0, (0, 0, 1_000))
    assert missing(progress, 0) == 0
    progress.close()


def test_an_event_that_the_scorer_put_into_quarantine_is_owed_no_score_any_more(scope):
    scope.write(TopicKind.FEATURES, 0, (0, 0, 1_000))
    scope.write(TopicKind.FEATURES, 1, (1, 4, 1_000))
    progress = scope.progress()
    assert missing(progress, 2) == 2
    record = {"source_topic": "events", "source_partition": 0, "source_offset": 0, "event_time_ms": 1_000}
    raw = base64.b64encode(json.dumps(record).encode()).decode()
    # Evidence alone is no score yet.
    scope.write(TopicKind.EVIDENCE, 0, (1, 4, 1_000))
    for value in (
        None,
        b"{",
        b'{"raw": 5}',
        b'{"raw": "!"}',
        b"[" * 100_000,
        json.dumps({"stage": "scorer", "raw": raw}),
    ):
        scope.producer.produce(topic_name(TopicKind.EVIDENCE, "payments", scope.name), value, partition=0)
    scope.producer.flush(10)
    assert missing(progress, 1) == 1
    scope.write(TopicKind.SCORES, 0, (1, 4, 1_000))
    assert missing(progress, 0) == 0
    progress.close()


def test_nothing_to_score_is_nothing_missing(scope):
    progress = scope.progress()
    assert missing(progress, 0) == 0
    progress.close()


def test_an_end_of_transactions_is_no_event(scope):
    scope.write(TopicKind.FEATURES, 0, (0, 0, 1_000))
    features = topic_name(TopicKind.FEATURES, "payments", scope.name)
    with Transactions(scope.settings.kafka_bootstrap, scope.name) as transactions:
        transactions.abort(features, 0, [b"gone"] * 3)
        transactions.abort(features, 1, [b"gone"])
    progress = scope.progress()
    assert missing(progress, 1) == 1
    scope.write(TopicKind.SCORES, 0, (0, 0, 1_000))
    assert missing(progress, 0) == 0
    progress.close()


class Unsettled:
    """The real consumer, whose named calls fail as scripted first; messages beside an error are still delivered."""

    def __init__(self, consumer, **codes):
        self.consumer, self.codes = consumer, {name: list(found) for name, found in codes.items()}

    def __getattr__(self, name):
        real = getattr(self.consumer, name)

        def call(*arguments, **options):
            if self.codes.get(name) and name != "consume":
                raise KafkaException(KafkaError(self.codes[name].pop(0)))
            answer = real(*arguments, **options)
            if name == "consume" and answer and self.codes.get(name):
                error = KafkaError(self.codes[name].pop(0))
                return [SimpleNamespace(error=lambda: error), *answer]
            return answer

        return call


def test_a_broker_that_settles_is_waited_for(scope, clock):
    scope.write(TopicKind.FEATURES, 0, (0, 0, 1_000))
    scope.write(TopicKind.SCORES, 0, (0, 0, 1_000))
    progress = scope.progress()
    settling = [KafkaError.UNKNOWN_LEADER_EPOCH, KafkaError._TRANSPORT]
    progress._consumer = Unsettled(
        progress._consumer, list_topics=settling, get_watermark_offsets=settling, offsets_for_times=settling
    )
    assert missing(progress, 0) == 0
    progress.close()


def test_scores_beside_an_error_are_not_lost(scope):
    scope.write(TopicKind.FEATURES, 0, (0, 0, 1_000), (0, 1, 1_001))
    progress = scope.progress()
    assert missing(progress, 1) == 1
    scope.write(TopicKind.SCORES, 0, (0, 0, 1_000), (0, 1, 1_001))
    progress._consumer = Unsettled(progress._consumer, consume=[KafkaError.NOT_LEADER_FOR_PARTITION])
    deadline = time.monotonic() + 20
    with pytest.raises(KafkaException) as raised:
        while time.monotonic() < deadline:
            progress.missing()
    assert passes_by_itself(raised.value)
    assert missing(progress, 0) == 0
    progress.close()
