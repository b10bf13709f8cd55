"""The trigger against real processes under a real supervisord."""

import asyncio
import sys

from airflow.triggers.base import TaskSuccessEvent

from patternalarm.triggers.process_ready import ProcessReadyTrigger


def event_of(trigger):
    async def first():
        return await anext(trigger.run())

    return asyncio.run(first())


def run(processes, name, code):
    processes.start_process(name, [sys.executable, "-c", code], restarts=True)


def test_ready_when_the_file_is_there(processes, tmp_path):
    ready = tmp_path / "ready"
    run(processes, "scorer", f"import pathlib, time; time.sleep(0.5); pathlib.Path('{ready}').touch(); time.sleep(600)")
    assert isinstance(event_of(ProcessReadyTrigger(name="scorer", ready_file=str(ready))), TaskSuccessEvent)
    assert processes.state("scorer").alive
    processes.stop_and_remove("scorer")


def test_a_process_that_ends_before_fails_at_once_with_its_last_line(processes, tmp_path):
    run(processes, "broken", "print('model is cut short'); raise SystemExit(2)")
    payload = event_of(ProcessReadyTrigger(name="broken", ready_file=str(tmp_path / "ready"))).payload
    assert payload["reason"] == "not ready: broken ended with exit code 2: model is cut short"
    processes.stop_and_remove("broken")


def test_a_process_that_never_gets_ready_fails_with_its_log(processes, tmp_path):
    run(processes, "slow", "import time; print('still loading', flush=True); time.sleep(600)")
    payload = event_of(ProcessReadyTrigger(name="slow", ready_file=str(tmp_path / "ready"), patience=1.5)).payload
    assert payload == {"reason": "nothing moved for 2 s: slow is not ready", "log": ["still loading"]}
    processes.stop_and_remove("slow")
