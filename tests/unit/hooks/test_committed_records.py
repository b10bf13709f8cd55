"""What is left of a topic beyond its committed records, against a real broker and a producer with transactions."""

import pytest
from transactions import Transactions

from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.hooks.committed_records import Backlog, with_committed_records
from patternalarm.hooks.kafka_topics import KafkaTopicsHook


@pytest.fixture
def topic(kafka, request):
    scope = request.node.name.replace("_", "-")[:60].rstrip("-")
    KafkaTopicsHook().create("payments", scope)
    return topic_name(TopicKind.EVENTS, "payments", scope)


@pytest.fixture
def transactions(kafka, topic):
    with Transactions(kafka.kafka_bootstrap, topic) as producer:
        yield producer


def offsets(topic):
    return {place: span for place, span in KafkaTopicsHook().offsets([topic]).items() if span != (0, 0)}


def test_only_committed_records_count(kafka, topic, transactions):
    transactions.commit(topic, 0, [b"one"])
    transactions.abort(topic, 0, [b"gone"] * 3)
    transactions.abort(topic, 1, [b"gone"])
    transactions.abort(topic, 2, [b"gone"] * 2)
    transactions.commit(topic, 2, [b"last"])
    assert offsets(topic) == {(topic, 0): (0, 6), (topic, 1): (0, 2), (topic, 2): (0, 5)}
    asked = {(topic, 0): 0, (topic, 1): 0, (topic, 2): 0, (topic, 3): 0}
    assert with_committed_records(asked, kafka) == {(topic, 0), (topic, 2)}
    assert with_committed_records({(topic, 0): 1, (topic, 2): 4}, kafka) == set()


def test_a_reader_of_all_that_is_committed_has_nothing_left(kafka, topic, transactions):
    transactions.abort(topic, 0, [b"gone"] * 40)
    transactions.commit(topic, 0, [b"one"])
    backlog, spans = Backlog(kafka), offsets(topic)
    assert spans == {(topic, 0): (0, 43)}
    # It moves: offsets tell well enough that something is left.
    assert backlog.left(spans, {}) == 43
    # It rests before the only record.
    assert backlog.left(spans, {}) == 43
    assert backlog.left(spans, {(topic, 0): 42}) == 1
    # It rests behind it, where only the end of the transaction is.
    assert backlog.left(spans, {(topic, 0): 42}) == 0


def test_an_idle_partition_of_aborted_records_alone_is_read_without_being_told(kafka, topic, transactions):
    transactions.abort(topic, 3, [b"gone"])
    backlog, spans = Backlog(kafka), offsets(topic)
    assert [backlog.left(spans, {}), backlog.left(spans, {})] == [2, 0]


def test_a_partition_that_has_more_is_not_hidden_by_one_that_has_not(kafka, topic, transactions):
    transactions.abort(topic, 0, [b"gone"])
    transactions.commit(topic, 1, [b"one", b"two"])
    backlog, spans = Backlog(kafka), offsets(topic)
    read = {(topic, 1): 1}
    assert [backlog.left(spans, read), backlog.left(spans, read)] == [2 + 2, 2]
