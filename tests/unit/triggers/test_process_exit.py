"""The trigger against real processes under a real supervisord."""

import asyncio
import sys

import pytest
from airflow.triggers.base import TaskSuccessEvent

from patternalarm.triggers.process_exit import ProcessExitTrigger


def event_of(trigger):
    async def first():
        return await anext(trigger.run())

    return asyncio.run(first())


def run(processes, name, code):
    processes.start_process(name, [sys.executable, "-c", code])


def test_success_removes_the_program(processes):
    run(processes, "good", "pass")
    assert isinstance(event_of(ProcessExitTrigger(name="good", accepted=[0])), TaskSuccessEvent)
    assert processes.state("good") is None


def test_a_program_that_others_look_at_is_kept(processes):
    run(processes, "kept", "pass")
    assert isinstance(event_of(ProcessExitTrigger(name="kept", accepted=[0], remove=False)), TaskSuccessEvent)
    assert processes.state("kept").exit_code == 0
    processes.remove("kept")


def test_failure_tells_the_exit_code_and_the_last_line(processes):
    run(processes, "bad", "print('first'); print('no such column: amount'); raise SystemExit(2)")
    payload = event_of(ProcessExitTrigger(name="bad", accepted=[0])).payload
    assert payload == {
        "reason": "bad ended with exit code 2: no such column: amount",
        "log": ["first", "no such column: amount"],
    }


@pytest.mark.parametrize(("accepted", "good"), [([0, 3], True), ([0], False)])
def test_other_exit_codes_can_be_accepted(processes, accepted, good):
    run(processes, "three", "raise SystemExit(3)")
    assert isinstance(event_of(ProcessExitTrigger(name="three", accepted=accepted)), TaskSuccessEvent) is good


def test_a_process_that_somebody_stops_has_failed(processes):
    run(processes, "stopped", "import time; time.sleep(600)")
    processes.stop("stopped")
    assert event_of(ProcessExitTrigger(name="stopped", accepted=[0])).payload["reason"] == "stopped was stopped"


def test_a_process_that_was_removed_is_told(processes):
    payload = event_of(ProcessExitTrigger(name="never-there", accepted=[0])).payload
    assert payload["reason"].startswith("never-there is gone")


def test_a_user_who_ends_the_task_ends_the_process(processes):
    run(processes, "endless", "import time; time.sleep(600)")
    asyncio.run(ProcessExitTrigger(name="endless", accepted=[0]).on_kill())
    assert processes.state("endless") is None
