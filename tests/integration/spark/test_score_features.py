"""The scorer on real Kafka: every event scored, through ``kill -9`` and redelivery, and stopped in order."""

import json
import os
import random
import signal
import time

import psutil
import pytest
from spark_run import identity

from patternalarm.contracts.topics import TopicKind

EVENTS = 6_000


def record(pack, number, draw):
    values = [draw.gauss(0.0, 1.0) for _ in pack.features]
    if number % 50 == 0:
        values[0] += 8.0
    if number % 7 == 0:
        values[2] = float("nan")
    return {
        "event_id": f"e{number}",
        "event_type": "purchase",
        "event_time_ms": 1_000_000 + number,
        "actor_id": f"actor{number % 97}",
        "amount": 12.5,
        "currency": "EUR",
        "feature_set": pack.feature_set,
        "values": values,
        "source_topic": "events.shop",
        "source_partition": number % 4,
        "source_offset": number // 4,
        "source_crc": number,
        "sent_at_ms": 1_000_000 + number,
    }


def records(pack, count, start=0):
    draw = random.Random(start)
    return [record(pack, number, draw) for number in range(start, start + count)]


def gone(pid):
    for _ in range(200):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.1)
    return False


def await_commit(checkpoint):
    """Wait until the query has committed its offsets once more; the next time is ten seconds later."""
    before = set((checkpoint / "commits").iterdir())
    for _ in range(600):
        if set((checkpoint / "commits").iterdir()) - before:
            return
        time.sleep(0.05)
    raise AssertionError("the query committed nothing within 30 s")


def test_the_jvm_ends_with_its_python_process(new_topics, start_scorer):
    """The supervisor sees the Python process alone, and starts the next one when it is gone."""
    scorer = start_scorer(new_topics())
    scorer.await_ready()
    jvm = scorer.jvm()

    scorer.process.send_signal(signal.SIGKILL)
    scorer.process.wait(30)

    assert gone(jvm), "the JVM outlived its Python process"


def test_kill_9_loses_nothing_and_redelivers_the_same_scores(new_topics, start_scorer, pack, tmp_path):
    topics = new_topics()
    first = start_scorer(topics)
    first.await_ready()
    jvm = first.jvm()
    events = records(pack, EVENTS)
    topics.send(TopicKind.FEATURES, *events[: EVENTS // 2])
    topics.await_scores(EVENTS // 2)
    await_commit(tmp_path / "checkpoint")
    topics.send(TopicKind.FEATURES, *events[EVENTS // 2 :])
    topics.await_scores(EVENTS // 2 + 1)
    # Both at once: a JVM that only lost its Python process ends in order, after a last commit.
    os.kill(jvm, signal.SIGKILL)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(30)
    assert gone(jvm)

    first.ready_file.unlink()
    second = start_scorer(topics)
    second.await_ready()
    # All scores may be the first scorer's; the second's copies tell that work was in flight.
    scores = topics.await_scores(EVENTS, copies=1)

    by_identity = {}
    for score in scores:
        by_identity.setdefault(identity(score), []).append(score)
    assert set(by_identity) == {identity(event) for event in events}
    assert all(copy == copies[0] for copies in by_identity.values() for copy in copies)
    alerted = {identity(found) for found in topics.read(TopicKind.EVIDENCE)}
    raised = {identity(event) for number, event in enumerate(events) if number % 50 == 0}
    assert len(alerted & raised) > 0.9 * len(raised)
    assert second.stop() == 0


@pytest.mark.parametrize("mode", ["realtime", "microbatch"])
def test_a_stopped_scorer_exits_0_and_history_is_not_scored(new_topics, start_scorer, pack, mode):
    topics = new_topics()
    events = records(pack, 400)
    topics.send(TopicKind.FEATURES, *events[:200])
    scorer = start_scorer(topics, mode=mode, score_from_ms=events[100]["event_time_ms"])
    scorer.await_ready()
    topics.send(TopicKind.FEATURES, *events[200:])

    scores = topics.await_scores(300)

    assert {identity(score) for score in scores} == {identity(event) for event in events[100:]}
    assert scorer.stop() == 0
    assert not any(score["scores"] is None for score in scores)


def test_a_record_that_cannot_be_read_stops_nothing_and_is_named(new_topics, start_scorer, pack):
    topics = new_topics()
    scorer = start_scorer(topics)
    scorer.await_ready()
    good = records(pack, 40)
    topics.send(TopicKind.FEATURES, *good[:20])
    other = json.dumps({**good[0], "feature_set": "0123456789abcdef"}).encode()
    # The last is as large as Kafka takes it: as text it would be larger than that.
    odd = (b"{", b"", b"\xff", b'{"event_id": "e1", "event_time_ms": 1e999999999}', other, b"x" * 900_000)
    for value in odd:
        topics.producer.produce(topics.names[TopicKind.FEATURES], value, partition=1)
    topics.send(TopicKind.FEATURES, *good[20:])

    scores = topics.await_scores(40)

    assert {identity(score) for score in scores} == {identity(event) for event in good}
    passed_on = {
        (found["topic"], found["partition"], found["offset"])
        for found in topics.read(TopicKind.EVIDENCE)
        if found.get("stage") == "scorer"
    }
    assert len(passed_on) == len(odd)
    assert {(topic, partition) for topic, partition, _ in passed_on} == {(topics.names[TopicKind.FEATURES], 1)}
    assert scorer.stop() == 0
