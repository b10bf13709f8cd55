import zlib
from types import SimpleNamespace

import numpy as np
import pytest
from confluent_kafka import KafkaError, KafkaException

from patternalarm.generator.publishing import producer as module
from patternalarm.generator.publishing.producer import Chunk, DeliveryError, RecordProducer


class Message:
    def __init__(self, value):
        self._value = value

    def value(self):
        return self._value


class Broker:
    """Takes the place of ``confluent_kafka.Producer``; ``refused`` values are never acknowledged."""

    refused: frozenset = frozenset()
    unqueued: tuple = ()

    def __init__(self, settings, **_):
        self.settings = settings
        self.sent = []
        self._waiting = []

    def __len__(self):
        return len(self._waiting)

    def produce_batch(self, topic, records, on_delivery):
        if self.unqueued:
            # Of a batch, the client takes the first record and refuses the rest.
            error, *Broker.unqueued = self.unqueued
            for record in records[1:]:
                record["_error"] = error
            records = records[:1]
        self.sent += [record["value"] for record in records]
        self._waiting += [(record["value"], on_delivery) for record in records]
        return len(records)

    def poll(self, timeout):
        waiting, self._waiting = self._waiting, []
        for value, on_delivery in waiting:
            on_delivery(Error() if value in self.refused else None, Message(value))

    def flush(self, timeout):
        self.poll(0)


class Error:
    def name(self):
        return "_MSG_TIMED_OUT"


class Clock:
    """Takes the place of ``time``: sleeping is what makes time go by."""

    def __init__(self, now):
        self.now = now

    def time(self):
        return self.now

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += max(seconds, 0.0005)


@pytest.fixture
def broker(monkeypatch):
    monkeypatch.setattr(module, "Producer", Broker)
    return RecordProducer("nowhere:1", "events.toll.r1")


@pytest.fixture
def clock(monkeypatch):
    clock = Clock(1_000.0)
    monkeypatch.setattr(module, "time", clock)
    return clock


def records(count):
    return [b"k%d" % i for i in range(count)], [b"v%d" % i for i in range(count)]


def chunks(send_ms, size=10):
    keys, values = records(len(send_ms))
    return [Chunk(keys[i : i + size], values[i : i + size], send_ms[i : i + size]) for i in range(0, len(keys), size)]


def test_the_account_counts_and_sums_what_was_acknowledged(broker):
    keys, values = records(2_500)
    broker.send(keys, values)
    account = broker.finish()
    assert (account.generated, account.acknowledged, account.complete) == (2_500, 2_500, True)
    assert account.crc_sum == sum(zlib.crc32(value) for value in values)
    assert account.late_p99_ms is None


def test_a_record_without_acknowledgement_leaves_the_account_open(broker, monkeypatch):
    monkeypatch.setattr(Broker, "refused", frozenset({b"v3"}))
    keys, values = records(10)
    broker.send(keys, values)
    account = broker.finish()
    assert (account.generated, account.acknowledged, account.complete) == (10, 9, False)
    assert account.errors == {"_MSG_TIMED_OUT": 1}
    assert account.crc_sum == sum(zlib.crc32(value) for value in values if value != b"v3")


def test_refused_records_are_an_error(broker, monkeypatch):
    def full(self, topic, records, on_delivery):
        records[-1]["_error"] = "queue full"
        return len(records) - 1

    monkeypatch.setattr(Broker, "produce_batch", full)
    with pytest.raises(DeliveryError, match=r"^1 records of events\.toll\.r1 were refused.*queue full"):
        broker.send(*records(5))


def test_delivery_is_idempotent_and_keyed_like_javas(broker):
    assert broker._producer.settings["enable.idempotence"] is True
    assert broker._producer.settings["partitioner"] == "murmur2_random"


def test_nothing_is_sent_before_it_is_due_and_everything_in_order(broker, clock, monkeypatch):
    send_ms = 1_000_500.0 + np.arange(300) * 20
    due = dict(zip(records(300)[1], send_ms, strict=True))
    early = []
    original = Broker.produce_batch

    def watch(self, topic, batch, on_delivery):
        early.extend(record["value"] for record in batch if due[record["value"]] > clock.now * 1000)
        return original(self, topic, batch, on_delivery)

    monkeypatch.setattr(Broker, "produce_batch", watch)
    broker.send_paced(chunks(send_ms), lookahead=50)
    account = broker.finish()
    assert not early
    assert broker._producer.sent == records(300)[1]
    assert account.late_p99_ms < 6
    assert clock.now == pytest.approx(1_006.48, abs=0.01)


def test_what_fell_behind_is_sent_at_once(broker, clock):
    broker.send_paced(chunks(900_000.0 + np.arange(3_000)), lookahead=50)
    assert clock.now == 1_000.0
    assert broker.finish().acknowledged == 3_000
    assert broker.account.late_p99_ms == pytest.approx(100_000, rel=0.01)


def test_on_due_is_told_the_time_while_sending(broker, clock):
    told = []
    broker.send_paced(chunks(1_000_000.0 + np.arange(100) * 50), lookahead=50, on_due=told.append)
    assert 4 <= len(told) <= 6
    assert told == sorted(told)


def test_stop_ends_the_sending(broker, clock):
    broker.send_paced(chunks(1_000_000.0 + np.arange(1_000) * 10), lookahead=50, stop=lambda: clock.now > 1_002)
    assert 190 <= broker.finish().generated <= 210


def test_a_full_queue_is_waited_for_and_nothing_is_queued_twice(broker, monkeypatch):
    monkeypatch.setattr(Broker, "unqueued", (KafkaError(KafkaError._QUEUE_FULL),) * 3)
    keys, values = records(10)
    broker.send(keys, values)
    account = broker.finish()
    assert sorted(broker._producer.sent) == sorted(values)
    assert (account.generated, account.acknowledged) == (10, 10)


def test_a_record_that_the_client_refuses_ends_it_at_once(broker, monkeypatch):
    monkeypatch.setattr(Broker, "unqueued", (KafkaError(KafkaError.MSG_SIZE_TOO_LARGE),))
    with pytest.raises(DeliveryError, match=r"9 records of events\.toll\.r1 were refused: .*MSG_SIZE_TOO_LARGE"):
        broker.send(*records(10))


def test_a_broker_that_comes_back_is_waited_for(broker, monkeypatch):
    answers = [KafkaException(KafkaError(KafkaError._TRANSPORT)), SimpleNamespace(topics={"events.toll.r1": None})]

    def list_topics(timeout):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(Broker, "list_topics", staticmethod(list_topics), raising=False)
    broker.check()
    assert answers == []


def test_a_record_may_wait_twice_as_long_as_patience(monkeypatch):
    monkeypatch.setattr(module, "Producer", Broker)
    monkeypatch.setattr(module, "patience_of_settings", lambda: 7.0)
    assert RecordProducer("nowhere:1", "t")._producer.settings["delivery.timeout.ms"] == 14_000
