"""The watcher against real processes under a real supervisord; Flink's answers are scripted."""

import asyncio
import os
import re
import signal
import sys
import time

import pytest
from airflow.triggers.base import TaskSuccessEvent

from patternalarm.engines import target
from patternalarm.engines.flink_job import FlinkJob
from patternalarm.engines.process_state import ProcessState
from patternalarm.triggers import watch_jobs
from patternalarm.triggers.watch_jobs import MAX_RESTARTS, WatchJobsTrigger

STAYS = "import time; time.sleep(600)"


class ScriptedFlink:
    """A cluster whose one job is in the state that the test says."""

    state = "RUNNING"
    takes_checkpoints = True
    checkpoint = 0

    def last_checkpoint(self, job_id):
        self.checkpoint += self.takes_checkpoints
        return self.checkpoint

    def job(self, name):
        assert name == "detect-payments-run-1"
        return FlinkJob(job_id="j", name=name, state=self.state, vertices_running=True)

    def failure(self, job_id):
        return "java.lang.OutOfMemoryError: Java heap space"


@pytest.fixture
def flink(monkeypatch):
    scripted = ScriptedFlink()
    monkeypatch.setattr(target, "flink", lambda: scripted)
    return scripted


@pytest.fixture
def run(processes, flink):
    """Starts the long-running jobs of a run; everything is removed afterwards."""
    for name in ("scorer", "writer"):
        processes.start_process(name, [sys.executable, "-c", STAYS], restarts=True)
    yield processes
    for name in ("scorer", "writer", "generator-0", "generator-1"):
        processes.remove(name)


def generate(processes, shard, code):
    processes.start_process(f"generator-{shard}", [sys.executable, "-c", code])


def watcher(seconds=600):
    return WatchJobsTrigger(
        domain="payments",
        scope="run-1",
        jobs=["scorer", "writer"],
        generators=["generator-0", "generator-1"],
        until=time.time() + seconds,
        interval=0.1,
    )


def event_of(trigger, meanwhile=lambda: None):
    async def first():
        pending = asyncio.ensure_future(anext(trigger.run()))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(meanwhile)
        return await pending

    return asyncio.run(first())


def test_it_ends_when_all_generators_ended_well(run):
    for shard in (0, 1):
        generate(run, shard, "import time; time.sleep(0.7)")
    assert isinstance(event_of(watcher()), TaskSuccessEvent)


def test_it_waits_for_generators_that_have_not_started(run):
    generate(run, 0, "pass")
    assert isinstance(event_of(watcher(), lambda: generate(run, 1, "pass")), TaskSuccessEvent)


@pytest.mark.parametrize(
    ("state", "named"), [("FAILED", "is FAILED: java.lang.OutOfMemoryError"), ("CANCELED", "is CANCELED")]
)
def test_a_dead_flink_job_fails_the_run_and_stops_the_generators(run, flink, state, named):
    for shard in (0, 1):
        generate(run, shard, STAYS)
    payload = event_of(watcher(), lambda: setattr(flink, "state", state)).payload
    assert named in payload["reason"]
    assert {run.state(f"generator-{shard}").state for shard in (0, 1)} == {"STOPPED"}


def test_a_flink_job_that_restarts_is_waited_for(run, flink):
    flink.state = "RESTARTING"
    for shard in (0, 1):
        generate(run, shard, "import time; time.sleep(0.7)")
    assert isinstance(event_of(watcher()), TaskSuccessEvent)


@pytest.mark.parametrize("state", ["RESTARTING", "RUNNING"])
def test_a_flink_job_that_takes_no_checkpoint_any_more_fails_the_run(run, flink, monkeypatch, state):
    monkeypatch.setattr(watch_jobs, "patience_of_settings", lambda: 1.5)
    for shard in (0, 1):
        generate(run, shard, STAYS)
    flink.state, flink.takes_checkpoints = state, False
    reason = event_of(watcher()).payload["reason"]
    assert re.search(rf"which is {state}, completed no checkpoint for \d+ s: java.lang.OutOfMemoryError", reason)


def test_a_flink_job_that_takes_checkpoints_outlasts_patience(run, flink, monkeypatch):
    monkeypatch.setattr(watch_jobs, "patience_of_settings", lambda: 0.5)
    for shard in (0, 1):
        generate(run, shard, "import time; time.sleep(2)")
    assert isinstance(event_of(watcher()), TaskSuccessEvent)


def test_a_job_with_a_verdict_of_its_own_fails_the_run_with_its_last_line(run):
    run.start_process(
        "writer", [sys.executable, "-c", "print('PostgreSQL is gone'); raise SystemExit(1)"], restarts=True
    )
    for shard in (0, 1):
        generate(run, shard, STAYS)
    payload = event_of(watcher()).payload
    assert payload["reason"] == "writer ended with exit code 1: PostgreSQL is gone"
    assert {run.state(f"generator-{shard}").state for shard in (0, 1)} == {"STOPPED"}


def test_a_killed_job_is_restarted_and_the_run_goes_on(run):
    first = run.state("scorer").pid
    for shard in (0, 1):
        generate(run, shard, "import time; time.sleep(3)")
    assert isinstance(event_of(watcher(), lambda: os.kill(first, signal.SIGKILL)), TaskSuccessEvent)
    assert run.state("scorer").pid not in (0, first)


def test_a_job_that_does_not_stay_up_fails_the_run(run):
    run.start_process("scorer", [sys.executable, "-c", "import os, time; time.sleep(1.2); os.abort()"], restarts=True)
    for shard in (0, 1):
        generate(run, shard, STAYS)
    assert f"scorer does not stay up: restarted {MAX_RESTARTS + 1} times" in event_of(watcher()).payload["reason"]


def test_a_failed_generator_stops_the_others(run):
    generate(run, 0, "print('3 records were not acknowledged'); raise SystemExit(1)")
    generate(run, 1, STAYS)
    assert event_of(watcher()).payload["reason"].endswith("exit code 1: 3 records were not acknowledged")
    assert run.state("generator-1").state == "STOPPED"


def test_generators_that_do_not_end_fail_the_run(run):
    for shard in (0, 1):
        generate(run, shard, STAYS)
    assert "long after they should have ended" in event_of(watcher(seconds=0.5)).payload["reason"]


def test_a_generator_that_starts_while_the_run_fails_is_stopped_too(run, flink):
    flink.state = "FAILED"
    generate(run, 0, STAYS)
    event_of(watcher(), lambda: generate(run, 1, STAYS))
    assert {run.state(f"generator-{shard}").state for shard in (0, 1)} == {"STOPPED"}


def test_a_generator_that_is_known_but_not_started_yet_has_not_failed(run, monkeypatch):
    """The supervisor learns of a program before it starts it; the watcher may look in between."""
    generate(run, 0, "pass")
    real, known = run.state, ProcessState("generator-1", "STOPPED", 0, None, 0, restarts=False)
    generate(run, 1, "pass")
    looks = []

    def state(name):
        if name == "generator-1" and len(looks) < 2:
            looks.append(name)
            return known
        return real(name)

    monkeypatch.setattr(run, "state", state)
    assert isinstance(event_of(watcher()), TaskSuccessEvent)
    assert looks
