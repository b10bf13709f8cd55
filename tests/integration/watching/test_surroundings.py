"""What the watcher asks real engines."""

import signal
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from confluent_kafka import KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kafka_broker import running_broker
from lossy_proxy import lossy_proxy
from migrated_database import migrated_database
from topics import make_topics
from waiting import wait_for

from patternalarm.contracts.tables import CONSUMER_OFFSET, PLATFORM_ROLE, SCORER_ROLE
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topics_of
from patternalarm.retrying import asking_once
from patternalarm.runs.interruptions import Interruption, What, load_interruptions
from patternalarm.settings import get_settings
from patternalarm.watching.surroundings import Books, TopicEnds

FOUND = Interruption("postgres", What.SILENT, datetime(2026, 11, 24, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def settings():
    """Settings with a migrated database of this module's own."""
    with migrated_database("watching") as own:
        yield own


def test_what_was_noted_while_postgresql_was_away_is_written_when_it_is_back(settings):
    with (
        lossy_proxy(settings.postgres_port) as proxy,
        psycopg.connect(settings.dsn(SCORER_ROLE, settings.scorer_password), autocommit=True) as scorer,
        psycopg.connect(settings.dsn(PLATFORM_ROLE, settings.platform_password), autocommit=True) as platform,
    ):
        books = Books(settings.model_copy(update={"postgres_port": proxy.port}), "toll", "run-1")
        scorer.execute(
            f"INSERT INTO {CONSUMER_OFFSET} (scope, topic, partition, next_offset, updated_at) "
            "VALUES ('run-1', 'evidence.toll.run-1', 0, 7, now()), ('run-1', 'evidence.toll.run-1', 1, 5, now())"
        )
        assert books() == 12
        proxy.go_away()
        books.note(FOUND)
        with asking_once(), pytest.raises(psycopg.OperationalError):
            books()
        proxy.come_back()
        assert books() == 12
        assert load_interruptions(platform, "run-1") == [FOUND]


def test_records_are_counted_by_kind():
    settings, scope = get_settings(), f"load-test-toll-{uuid.uuid4().hex[:10]}"
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    names = {kind: name for kind, name in topics_of("toll", scope).items() if kind in TopicEnds.KINDS}
    made = [NewTopic(name, TOPIC_SPECS[kind].partitions, 1) for kind, name in names.items()]
    make_topics(admin, made)
    try:
        producer = Producer({"bootstrap.servers": settings.kafka_bootstrap})
        for number in range(10):
            producer.produce(names[TopicKind.EVENTS], b"{}", partition=number % 4)
        assert producer.flush(30) == 0
        ends = TopicEnds(settings, "toll", scope)
        assert ends() == {kind: 10 if kind is TopicKind.EVENTS else 0 for kind in TopicEnds.KINDS}
    finally:
        for future in admin.delete_topics(list(names.values())).values():
            future.result(30)


def test_a_broker_that_was_killed_is_heard_again(tmp_path):
    # It refuses who asks with the leaders' epoch of before: FENCED_LEADER_EPOCH.
    names = {kind: name for kind, name in topics_of("toll", "run-1").items() if kind in TopicEnds.KINDS}
    with running_broker(tmp_path) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        make_topics(admin, [NewTopic(name, TOPIC_SPECS[kind].partitions, 1) for kind, name in names.items()])
        ends = TopicEnds(get_settings().model_copy(update={"kafka_address": broker.bootstrap}), "toll", "run-1")
        assert set(ends().values()) == {0}
        broker.end(signal.SIGKILL)
        with pytest.raises(KafkaException):
            ends()
        broker.start()

        def answers() -> bool:
            try:
                return set(ends().values()) == {0}
            except KafkaException:
                return False

        wait_for(answers, 60)
