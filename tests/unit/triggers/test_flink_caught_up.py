"""Caught up is: every partition read to its end, none forgotten, by a job that has not ended."""

from typing import ClassVar

import pytest

from patternalarm.engines import target
from patternalarm.engines.flink_job import FlinkJob
from patternalarm.hooks import committed_records
from patternalarm.triggers import flink_caught_up
from patternalarm.triggers.polling import Done, Failed

TOPIC = "events.payments.run-1"


class Flink:
    """A job whose state and offsets are scripted."""

    state = "RUNNING"
    read: ClassVar[dict[int, int]] = {}
    was_restarted = False

    def job(self, name):
        assert name == "detect-payments-run-1"
        return FlinkJob("j", name, self.state, vertices_running=True) if self.state else None

    def failure(self, job_id):
        return "java.lang.OutOfMemoryError"

    def read_offsets(self, job_id, topic):
        assert (job_id, topic) == ("j", TOPIC)
        return self.read

    def restarted(self, job_id):
        return self.was_restarted


class Kafka:
    """A topic of three partitions: one from which retention took ten records, one full, one empty."""

    wanted_next: ClassVar[dict[tuple[str, int], int]] = {}

    def offsets(self, topics):
        return {(TOPIC, 0): (10, 42), (TOPIC, 1): (0, 5), (TOPIC, 2): (0, 0)}

    def committed(self, group, topic):
        assert (group, topic) == ("flink.payments.run-1", TOPIC)
        return self.wanted_next


@pytest.fixture
def flink(monkeypatch):
    scripted = Flink()
    monkeypatch.setattr(target, "flink", lambda: scripted)
    monkeypatch.setattr(flink_caught_up, "KafkaTopicsHook", Kafka)
    return scripted


@pytest.mark.parametrize(
    ("read", "unread"),
    [
        ({}, 37),
        ({0: 40, 1: 4}, 1),
        ({0: 41}, 5),
        ({0: 41, 1: 4}, 0),
        ({0: 41, 1: 4, 2: -1}, 0),
    ],
)
def test_what_is_unread_is_counted_over_all_partitions(flink, read, unread):
    flink.read = read
    trigger = flink_caught_up.FlinkCaughtUpTrigger(domain="payments", scope="run-1")
    found = trigger.look()
    assert trigger.progress() == unread
    assert isinstance(found, Done) == (unread == 0)


def test_a_job_that_rests_before_control_records_has_read_all(flink, monkeypatch):
    asked = []

    def holding(positions, settings):
        asked.append(positions)
        return {(TOPIC, 1)} if len(asked) == 1 else set()

    monkeypatch.setattr(committed_records, "with_committed_records", holding)
    flink.read = {0: 39, 1: 3}
    trigger = flink_caught_up.FlinkCaughtUpTrigger(domain="payments", scope="run-1")
    looks = [(isinstance(trigger.look(), Done), trigger.progress()) for _ in range(3)]
    assert looks == [(False, 3), (False, 1), (True, 0)]
    assert asked == [{(TOPIC, 0): 40, (TOPIC, 1): 4}] * 2


@pytest.mark.parametrize(
    ("committed", "unread"), [({}, 37), ({0: 42}, 5), ({0: 40, 1: 5}, 2), ({0: 42, 1: 5}, 0), ({0: 42, 1: 5, 2: 0}, 0)]
)
@pytest.mark.parametrize("told", [{0: 41, 1: 4}, {0: -1, 1: -1}, {}])
def test_of_a_job_that_was_started_again_what_its_checkpoint_holds_is_read(flink, monkeypatch, told, committed, unread):
    monkeypatch.setattr(Kafka, "wanted_next", {(TOPIC, partition): next_ for partition, next_ in committed.items()})
    flink.read, flink.was_restarted = told, True
    trigger = flink_caught_up.FlinkCaughtUpTrigger(domain="payments", scope="run-1")
    assert isinstance(trigger.look(), Done) == (unread == 0)
    assert trigger.progress() == unread


def test_a_job_that_ended_is_told_with_its_reason(flink):
    flink.state = "FAILED"
    found = flink_caught_up.FlinkCaughtUpTrigger(domain="payments", scope="run-1").look()
    assert isinstance(found, Failed)
    assert "is FAILED: java.lang.OutOfMemoryError" in str(found)


def test_a_job_that_is_not_there_is_told(flink):
    flink.state = None
    found = flink_caught_up.FlinkCaughtUpTrigger(domain="payments", scope="run-1").look()
    assert found == Failed("Flink knows no job detect-payments-run-1")
