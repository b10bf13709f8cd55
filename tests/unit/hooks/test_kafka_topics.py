"""The hook against a real broker."""

import time

import pytest
from confluent_kafka import Producer
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
        assert entries["retention.ms"].value == str(TOPIC_SPECS[kind].retention_ms)


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
