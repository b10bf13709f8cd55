"""The trigger against real processes under a real supervisord."""

import asyncio

from airflow.triggers.base import TaskSuccessEvent

from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.triggers.process_ready import ProcessReadyTrigger


def event_of(trigger):
    async def first():
        return await anext(trigger.run())

    return asyncio.run(first())


def run(processes, name, **options):
    processes.start(JobSpec(name, Program.SERVICE, "engines.rehearsal", options, restarts=True, tells_ready=True))


def test_ready_when_the_process_tells(processes):
    run(processes, "scorer", ready_after=0.5, seconds=600)
    assert isinstance(event_of(ProcessReadyTrigger(name="scorer")), TaskSuccessEvent)
    assert processes.state("scorer").alive
    processes.remove("scorer")


def test_a_process_that_ends_before_fails_at_once_with_its_last_line(processes):
    # An option that the job does not have: it ends before it could tell anything.
    run(processes, "broken", redy_after=1)
    payload = event_of(ProcessReadyTrigger(name="broken")).payload
    assert payload["reason"].startswith("not ready: broken ended with exit code 2: ")
    assert "--redy-after" in payload["reason"]
    processes.remove("broken")


def test_a_process_that_never_gets_ready_fails_with_its_log(processes):
    run(processes, "slow", say="still loading", ready_after=600)
    payload = event_of(ProcessReadyTrigger(name="slow", patience=1.5)).payload
    assert payload == {"reason": "nothing moved for 2 s: slow is not ready", "log": ["still loading"]}
    processes.remove("slow")
