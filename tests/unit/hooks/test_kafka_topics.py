"""The hook against a real broker."""

import time

import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, Producer, TopicPartition
from confluent_kafka.admin import ConfigResource, ResourceType

from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topic_name, topics_of
from patternalarm.hooks.kafka_topics import KafkaTopicsError, KafkaTopicsHook


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


def test_a_broker_that_is_down_is_named_with_the_remedy(monkeypatch):
    from kafka_broker import free_port

    from patternalarm.hooks import kafka_topics

    monkeypatch.setattr(kafka_topics, "_TIMEOUT_SECONDS", 1)
    connection = f'{{"conn_type": "kafka", "extra": {{"bootstrap.servers": "127.0.0.1:{free_port()}"}}}}'
    monkeypatch.setenv("AIRFLOW_CONN_KAFKA_DEFAULT", connection)
    with pytest.raises(KafkaTopicsError, match=r"Kafka does not answer .*make up"):
        KafkaTopicsHook().check()
