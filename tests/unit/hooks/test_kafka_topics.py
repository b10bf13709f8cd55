"""The hook against a real broker."""

import time
from concurrent.futures import Future

import pytest
from confluent_kafka import (
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import ConfigResource, ResourceType

from patternalarm import retrying
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topic_name, topics_of
from patternalarm.hooks.kafka_topics import KafkaTopicsError, KafkaTopicsHook
from patternalarm.settings import get_settings


@pytest.fixture
def hook(kafka):
    return KafkaTopicsHook()


def test_topics_are_created_as_the_contracts_say_and_again_is_no_error(hook):
    assert set(hook.create("payments", "run-a")) == set(topics_of("payments", "run-a").values())
    hook.create("payments", "run-a")
    found = hook.get_conn.list_topics(timeout=10).topics
    for kind, name in topics_of("payments", "run-a").items():
        assert len(found[name].partitions) == TOPIC_SPECS[kind].partitions
        resource = ConfigResource(ResourceType.TOPIC, name)
        entries = hook.get_conn.describe_configs([resource])[resource].result()
        assert {setting: entries[setting].value for setting in TOPIC_SPECS[kind].config} == TOPIC_SPECS[kind].config
        # The broker's clock: retention counts from arrival, whatever a producer's clock says.
        assert entries["message.timestamp.type"].value == "LogAppendTime"


def test_a_scope_is_dropped_alone_and_again_is_no_error(hook):
    hook.create("payments", "run-b")
    hook.create("payments", "run-bb")
    assert set(hook.drop("payments", "run-b")) == set(topics_of("payments", "run-b").values())
    assert hook.drop("payments", "run-b") == []
    # The broker forgets a moment after it confirmed.
    deadline = time.monotonic() + 20
    while hook.offsets(topics_of("payments", "run-b").values()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert hook.offsets(topics_of("payments", "run-b").values()) == {}
    assert len(hook.offsets(topics_of("payments", "run-bb").values())) == sum(
        s.partitions for s in TOPIC_SPECS.values()
    )


def test_what_a_producer_with_a_clock_days_behind_sends_is_kept_from_its_arrival(hook, kafka):
    hook.create("payments", "run-clock")
    events = topic_name(TopicKind.EVENTS, "payments", "run-clock")
    sent_from = round(time.time() * 1000)
    days_ago = sent_from - 5 * 86_400_000
    assert TOPIC_SPECS[TopicKind.EVENTS].retention_ms < 5 * 86_400_000
    producer = Producer({"bootstrap.servers": kafka.kafka_bootstrap})
    for number in range(40):
        producer.produce(events, b"x", partition=number % 3, timestamp=days_ago)
    # A clock ahead by more than the broker would take from it.
    producer.produce(events, b"x", partition=3, timestamp=sent_from + 5 * 86_400_000)
    assert producer.flush(10) == 0
    consumer = Consumer({"bootstrap.servers": kafka.kafka_bootstrap, "group.id": "clock", "enable.auto.commit": False})
    consumer.assign([TopicPartition(events, partition, 0) for partition in range(4)])
    records = consumer.consume(41, timeout=20)
    consumer.close()
    assert {record.timestamp()[0] for record in records} == {TIMESTAMP_LOG_APPEND_TIME}
    assert len(records) == 41
    assert all(sent_from <= record.timestamp()[1] <= time.time() * 1000 for record in records)


def test_records_are_counted_over_partitions(hook, kafka):
    hook.create("payments", "run-c")
    events = topic_name(TopicKind.EVENTS, "payments", "run-c")
    producer = Producer({"bootstrap.servers": kafka.kafka_bootstrap})
    for number in range(10):
        producer.produce(events, b"x", partition=number % 3)
    producer.flush(10)
    assert hook.records(events) == 10
    assert hook.offsets([events]) == {
        (events, 0): (0, 4),
        (events, 1): (0, 3),
        (events, 2): (0, 3),
        (events, 3): (0, 0),
    }
    assert hook.records("events.payments.run-nowhere") == 0


def test_what_a_group_committed_is_told_of_one_topic(hook, kafka):
    hook.create("payments", "run-d")
    events = topic_name(TopicKind.EVENTS, "payments", "run-d")
    features = topic_name(TopicKind.FEATURES, "payments", "run-d")
    assert hook.committed("flink.payments.run-d", events) == {}
    consumer = Consumer({"bootstrap.servers": kafka.kafka_bootstrap, "group.id": "flink.payments.run-d"})
    offsets = [TopicPartition(events, 0, 7), TopicPartition(events, 1, 0), TopicPartition(features, 0, 3)]
    consumer.commit(offsets=offsets, asynchronous=False)
    consumer.close()
    assert hook.committed("flink.payments.run-d", events) == {(events, 0): 7, (events, 1): 0}


def test_a_broker_that_is_down_is_named_with_the_remedy(monkeypatch):
    from kafka_broker import free_port

    from patternalarm.hooks import kafka_topics

    monkeypatch.setattr(kafka_topics, "_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(retrying, "patience_of_settings", lambda: 0.0)
    connection = f'{{"conn_type": "kafka", "extra": {{"bootstrap.servers": "127.0.0.1:{free_port()}"}}}}'
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", connection)
    with pytest.raises(KafkaTopicsError, match=r"Kafka cannot answer .*make up"):
        KafkaTopicsHook().check()


class Unsettled:
    """The real client, whose answers of one kind are errors as scripted before they are what Kafka says."""

    def __init__(self, client, call, *codes):
        self.client, self.call, self.codes, self.asked = client, call, list(codes), 0

    def __getattr__(self, name):
        real = getattr(self.client, name)
        if name != self.call:
            return real

        def answer(*arguments, **options):
            self.asked += 1
            if not self.codes:
                return real(*arguments, **options)
            error = KafkaException(KafkaError(self.codes.pop(0)))
            if name == "list_topics":
                raise error
            failed = Future()
            failed.set_exception(error)
            return dict.fromkeys(arguments[0], failed)

        return answer


UNSETTLED = [
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.OFFSET_NOT_AVAILABLE,
    KafkaError.KAFKA_STORAGE_ERROR,
    KafkaError._NOENT,
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
]


@pytest.fixture
def unsettled(hook, monkeypatch):
    def script(call, *codes):
        client = Unsettled(KafkaTopicsHook().get_conn, call, *codes)
        monkeypatch.setattr(KafkaTopicsHook, "get_conn", client)
        return client

    return script


@pytest.mark.parametrize("code", UNSETTLED, ids=lambda code: KafkaError(code).name())
def test_topics_are_ready_when_the_broker_answers_for_each_partition(unsettled, kafka, clock, code):
    client = unsettled("list_offsets", code, code, code)
    KafkaTopicsHook().create("payments", "run-settles")
    # Three failures, those of the broker itself, then the first and the last offsets.
    assert client.asked >= 5 and len(clock.waits) >= 3


@pytest.mark.parametrize("call", ["create_topics", "list_topics"])
def test_every_step_of_making_topics_is_waited_for(unsettled, kafka, clock, call):
    unsettled(call, KafkaError.NOT_CONTROLLER, KafkaError.REQUEST_TIMED_OUT)
    assert len(KafkaTopicsHook().create("payments", f"run-{call.replace('_', '-')}")) == len(TOPIC_SPECS)


def test_a_refusal_is_told_at_once(unsettled, clock):
    client = unsettled("create_topics", KafkaError.POLICY_VIOLATION)
    with pytest.raises(KafkaTopicsError, match=r"Kafka cannot create the topics of run-no \(Broker: Policy"):
        KafkaTopicsHook().create("payments", "run-no")
    assert client.asked == 1 and clock.waits == []


def test_patience_ends_with_the_last_error(unsettled, kafka, clock):
    unsettled("list_offsets", *[KafkaError.UNKNOWN_LEADER_EPOCH] * 10_000)
    with pytest.raises(KafkaTopicsError, match="Leader epoch is newer than broker epoch"):
        KafkaTopicsHook().create("payments", "run-never")
    patience = get_settings().patience_seconds
    assert patience - 10 < sum(clock.waits) < patience
