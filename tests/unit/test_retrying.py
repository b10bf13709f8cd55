"""The one policy, on a clock that moves only while it waits."""

import logging
import threading
import time

import psycopg
import pytest
from tenacity.nap import sleep_using_event

from patternalarm import retrying as module
from patternalarm.retrying import asking_once, before_work_begins, retrying
from patternalarm.settings import Settings


def one_refusal():
    return ConnectionRefusedError("nobody listens")


def refused(times):
    return [one_refusal() for _ in range(times)]


class Clock:
    def __init__(self):
        self.now = 1_000.0
        self.waits = []

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    monkeypatch.setattr(time, "sleep", clock.sleep)
    monkeypatch.setattr(module, "patience_of_settings", lambda: 60.0)
    return clock


class Engine:
    """Fails as scripted, then answers; the last failure stays when it never does."""

    def __init__(self, *errors, ever=True):
        self.errors, self.ever, self.asked = list(errors), ever, 0

    def __call__(self):
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0) if self.ever or len(self.errors) > 1 else self.errors[0]
        return "an answer"


def test_what_passes_is_waited_out(clock):
    engine = Engine(one_refusal(), psycopg.errors.CannotConnectNow("starting up"), one_refusal())
    assert retrying("ask")(engine) == "an answer"
    assert engine.asked == 4 and len(clock.waits) == 3


def test_what_does_not_pass_fails_at_once(clock):
    engine = Engine(psycopg.errors.InvalidPassword("no"), ever=False)
    with pytest.raises(psycopg.errors.InvalidPassword):
        retrying("log in")(engine)
    assert engine.asked == 1 and clock.waits == []


def test_patience_ends_with_the_last_error(clock):
    with pytest.raises(ConnectionResetError, match="the last"):
        retrying("ask")(Engine(one_refusal(), ConnectionResetError("the last"), ever=False))
    assert 50 < sum(clock.waits) < 60


def test_waits_grow_to_a_cap_and_are_spread_by_chance(clock):
    for _ in range(20):
        with pytest.raises(ConnectionRefusedError):
            retrying("ask")(Engine(one_refusal(), ever=False))
    assert all(0.05 <= wait <= 4 for wait in clock.waits)
    assert max(clock.waits) > 3
    assert len(set(clock.waits)) > 100


def test_patience_is_the_settings_unless_told(clock, monkeypatch):
    monkeypatch.setattr(module, "patience_of_settings", lambda: 5.0)
    with pytest.raises(ConnectionRefusedError):
        retrying("ask")(Engine(one_refusal(), ever=False))
    assert sum(clock.waits) < 5
    engine = Engine(one_refusal(), ever=False)
    with pytest.raises(ConnectionRefusedError):
        retrying("ask", patience_seconds=0)(engine)
    assert engine.asked == 1


def test_patience_begins_with_the_first_failure(clock):
    def work_long():
        clock.now += 1_000
        return engine()

    engine = Engine(one_refusal())
    assert retrying("work")(work_long) == "an answer"


def test_patience_is_each_works_own(clock):
    policy = retrying("ask")
    for _ in range(3):
        clock.waits.clear()
        with pytest.raises(ConnectionRefusedError):
            policy(Engine(one_refusal(), ever=False))
        assert 50 < sum(clock.waits) < 60


def test_a_policy_around_a_policy_does_not_wait_anew(clock):
    def inner():
        try:
            retrying("connect")(engine)
        except ConnectionRefusedError as error:
            raise RuntimeError("no database") from error

    engine = Engine(ConnectionRefusedError("nobody listens"), ever=False)
    with pytest.raises(RuntimeError, match="no database"):
        retrying("grade")(inner)
    assert 50 < sum(clock.waits) < 60


def test_attempts_of_a_block(clock):
    engine = Engine(one_refusal(), one_refusal())
    for attempt in retrying("ask"):
        with attempt:
            answer = engine()
    assert answer == "an answer"


def test_each_kind_of_complaint_is_told_once(clock, caplog):
    with caplog.at_level(logging.WARNING):
        retrying("ask for the time")(Engine(*refused(5), ConnectionResetError("torn"), *refused(5)))
    told = [record.message for record in caplog.records]
    assert told == [
        "ask for the time: ConnectionRefusedError: nobody listens; trying again for 60 s",
        "ask for the time: ConnectionResetError: torn; trying again for 60 s",
    ]


def test_who_comes_back_anyway_asks_once(clock):
    engine = Engine(one_refusal(), ever=False)
    with asking_once(), pytest.raises(ConnectionRefusedError):
        retrying("ask")(engine)
    assert engine.asked == 1
    assert retrying("ask")(Engine(one_refusal())) == "an answer"


def test_before_work_begins_patience_is_short(clock, monkeypatch):
    monkeypatch.setattr(module, "get_settings", lambda: Settings(patience_seconds=600, first_answer_seconds=7))
    with before_work_begins(), pytest.raises(ConnectionRefusedError):
        retrying("ask", 600)(Engine(one_refusal(), ever=False))
    assert 3 < sum(clock.waits) < 7


def test_a_stop_shortens_a_wait():
    stop = threading.Event()
    stop.set()
    began = time.monotonic()
    retrying("ask", 60, sleep=sleep_using_event(stop))(Engine(*refused(20)))
    assert time.monotonic() - began < 1


def test_other_errors_may_be_told_to_pass(clock):
    engine = Engine(ValueError("not there yet"))
    assert retrying("look", passes=lambda error: isinstance(error, ValueError))(engine) == "an answer"
