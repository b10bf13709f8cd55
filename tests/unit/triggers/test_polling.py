"""What all triggers do around their one look."""

import asyncio

import psycopg
import pytest
from airflow.triggers.base import TaskSuccessEvent

from patternalarm.engines.errors import FlinkError
from patternalarm.retrying import retrying
from patternalarm.triggers import polling
from patternalarm.triggers.polling import Done, Failed, PollingTrigger

SILENCE = FlinkError("Flink does not answer")
SILENCE.__cause__ = ConnectionRefusedError()


class Scripted(PollingTrigger):
    """Gives one scripted answer after another; an exception is raised, the last answer stays."""

    def __init__(self, *answers, progress=(), patience=None, mute=False):
        super().__init__(interval=0, patience=patience)
        self.answers = list(answers)
        self.steps = list(progress)
        self.looks = 0
        self.mute = mute
        self.failures = 0

    def look(self):
        self.looks += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def progress(self):
        return self.steps.pop(0) if self.steps else None

    def waiting_for(self):
        if self.mute:
            raise OSError("no answer")
        return "the bus"

    def explaining_log(self):
        return ["it rains"]

    def on_failure(self):
        self.failures += 1
        if self.mute:
            raise OSError("no answer")

    def arguments(self):
        return {"own": 1}


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves ten seconds with every sleep."""
    now = [1_000.0]

    async def sleep(seconds):
        now[0] += 10

    monkeypatch.setattr(polling, "patience_of_settings", lambda: 15.0)
    monkeypatch.setattr(polling.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(polling.asyncio, "sleep", sleep)
    return now


def event_of(trigger):
    async def first():
        async for event in trigger.run():
            return event
        raise AssertionError("no event")

    return asyncio.run(first())


def test_done_ends_the_task_in_the_triggerer(clock):
    trigger = Scripted(None, None, Done())
    assert isinstance(event_of(trigger), TaskSuccessEvent)
    assert (trigger.looks, trigger.failures) == (3, 0)


def test_failed_goes_back_to_the_operator_with_reason_and_log(clock):
    trigger = Scripted(None, Failed("it broke", ["last words"]))
    assert event_of(trigger).payload == {"reason": "it broke", "log": ["last words"]}
    assert trigger.failures == 1


def test_an_engine_that_is_silent_for_a_moment_ends_nothing(clock):
    trigger = Scripted(None, SILENCE, Done())
    assert isinstance(event_of(trigger), TaskSuccessEvent)


def test_an_engine_that_stays_silent_fails_with_what_it_said(clock):
    trigger = Scripted(None, SILENCE)
    assert event_of(trigger).payload["reason"] == "no answer for 20 s: FlinkError: Flink does not answer"
    assert trigger.failures == 1


def test_an_error_that_does_not_pass_by_itself_fails_at_once(clock):
    trigger = Scripted(None, psycopg.errors.InvalidPassword("no such password"), Done())
    assert event_of(trigger).payload["reason"] == "InvalidPassword: no such password"
    assert (trigger.looks, trigger.failures) == (2, 1)


def test_a_look_asks_once_because_there_is_a_next_one(clock):
    asked = []

    class Asking(Scripted):
        def look(self):
            retrying("ask Flink")(self.ask)

        def ask(self):
            asked.append(1)
            raise ConnectionRefusedError("nobody listens")

    assert "nobody listens" in event_of(Asking(None)).payload["reason"]
    assert len(asked) == 3


def test_silences_with_answers_between_them_do_not_add_up(clock):
    trigger = Scripted(SILENCE, None, SILENCE, None, SILENCE, None, SILENCE, None, Done())
    assert isinstance(event_of(trigger), TaskSuccessEvent)


def test_patience_ends_when_nothing_moves(clock):
    event = event_of(Scripted(None, patience=30))
    assert event.payload == {"reason": "nothing moved for 30 s: the bus", "log": ["it rains"]}


def test_an_engine_that_cannot_explain_itself_does_not_hide_the_failure(clock):
    assert event_of(Scripted(None, patience=30, mute=True)).payload["reason"] == "nothing moved for 30 s, and no answer"
    assert event_of(Scripted(Failed("it broke"), mute=True)).payload["reason"] == "it broke"


def test_who_cannot_look_sees_no_progress_and_loses_no_patience(clock, monkeypatch):
    monkeypatch.setattr(polling, "patience_of_settings", lambda: 600.0)
    trigger = Scripted(None, None, *[SILENCE] * 20, None, None, Done(), patience=30)
    assert isinstance(event_of(trigger), TaskSuccessEvent)


def test_patience_starts_again_with_every_progress(clock):
    trigger = Scripted(*[None] * 12, Done(), progress=range(100), patience=30)
    assert isinstance(event_of(trigger), TaskSuccessEvent)
    assert trigger.looks == 13


def test_the_lease_is_renewed_before_every_look_for_which_it_is_time(clock, monkeypatch):
    renewed = []

    class Lease:
        def __init__(self, task_instance):
            assert task_instance == "the task"

        is_due = True

        def renew(self):
            renewed.append(trigger.looks)

    monkeypatch.setattr(polling, "LeaseRenewal", Lease)
    trigger = Scripted(None, None, Done())
    trigger._task_instance = "the task"
    event_of(trigger)
    assert renewed == [0, 1, 2]


def test_a_trigger_is_rebuilt_from_what_it_serializes():
    path, arguments = Scripted(None, patience=5).serialize()
    assert path.endswith("test_polling.Scripted")
    assert arguments == {"own": 1, "interval": 0, "patience": 5}
