"""A drain against a real process under a real supervisord."""

import asyncio
import sys

import pytest
from airflow.triggers.base import TaskSuccessEvent

from patternalarm.triggers.process_drained import ProcessDrainedTrigger

STAYS = "import time; time.sleep(600)"


class Drain(ProcessDrainedTrigger):
    """Waits for a process that is as far behind as the test says."""

    left = 0

    def behind(self):
        return self.left

    def waiting_for(self):
        return "the rest"

    def arguments(self):
        return {"name": self.name}


def drain(name):
    return Drain(name=name, interval=0.05, patience=10)


def event_of(trigger):
    return asyncio.run(anext(trigger.run()))


@pytest.fixture
def worker(processes):
    """A process of a run."""
    processes.start_process("worker", [sys.executable, "-c", STAYS], restarts=True)
    yield processes
    processes.remove("worker")


def test_a_process_that_is_not_behind_is_stopped(worker):
    assert isinstance(event_of(drain("worker")), TaskSuccessEvent)
    assert worker.state("worker").state == "STOPPED"


def test_a_trigger_that_takes_over_after_the_stop_finds_the_drain_done(worker):
    worker.stop("worker")
    assert isinstance(event_of(drain("worker")), TaskSuccessEvent)


def test_a_process_that_was_stopped_before_it_was_done_fails_the_drain(worker):
    worker.stop("worker")
    behind = Drain(name="worker", interval=0.05, patience=0.3)
    behind.left = 7
    assert "the rest" in event_of(behind).payload["reason"]


def test_a_process_that_gave_its_verdict_meanwhile_fails_the_drain(processes):
    processes.start_process("worker", [sys.executable, "-c", "raise SystemExit(1)"], restarts=True)
    behind = drain("worker")
    behind.left = 7
    assert event_of(behind).payload["reason"] == "not done: worker ended with exit code 1"
    processes.remove("worker")
