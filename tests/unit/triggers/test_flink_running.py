"""A submission under a real supervisord; Flink's answers are those of the double that passes the contract."""

import asyncio

import pytest
from airflow.triggers.base import TaskSuccessEvent
from engine_doubles import FlinkInMemory

from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.triggers.flink_running import FlinkRunningTrigger

NAME = "detect-payments-run-1"


@pytest.fixture
def flink(monkeypatch):
    cluster = FlinkInMemory()
    monkeypatch.setattr(target, "flink", lambda: cluster)
    return cluster


@pytest.fixture
def submit(processes):
    def start(**options):
        processes.start(JobSpec("run-1.start-flink", Program.SERVICE, "engines.rehearsal", options))
        return FlinkRunningTrigger(
            submission="run-1.start-flink", domain="payments", scope="run-1", interval=0.05, patience=5
        )

    yield start
    processes.remove("run-1.start-flink")


def event_of(trigger):
    async def first():
        return await anext(trigger.run())

    return asyncio.run(first())


def test_done_when_the_submission_ended_well_and_all_of_the_job_runs(flink, submit, processes):
    trigger = submit(seconds=0.3)
    assert trigger.look() is None
    flink.run(NAME)
    assert isinstance(event_of(trigger), TaskSuccessEvent)
    assert processes.state("run-1.start-flink") is None


def test_a_job_does_not_run_before_its_submission_ended(flink, submit):
    trigger = submit(seconds=600)
    flink.run(NAME)
    assert trigger.look() is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"say": "no domain pack paymets", "exit_code": 2}, "ended with exit code 2: no domain pack paymets"),
        ({"exit_code": 1}, "ended with exit code 1"),
    ],
)
def test_a_refused_submission_is_told_with_the_line_that_says_why(flink, submit, options, told):
    assert event_of(submit(**options)).payload["reason"] == f"not submitted: run-1.start-flink {told}"


def test_a_submission_that_somebody_stops_is_none(flink, submit, processes):
    trigger = submit(seconds=600)
    processes.stop("run-1.start-flink")
    assert event_of(trigger).payload["reason"] == "not submitted: run-1.start-flink was stopped"


def test_a_submission_that_leaves_no_job_is_told(flink, submit):
    assert event_of(submit(say="nothing of use")).payload["reason"] == f"Flink knows no job {NAME}"


def test_a_job_that_ends_at_once_is_told_with_its_cause(flink, submit):
    trigger = submit()
    flink.run(NAME)
    flink.cancel(flink.job(NAME).job_id)
    assert event_of(trigger).payload["reason"] == f"Flink job {NAME} is CANCELED: Flink names no cause"


def test_a_trigger_that_moved_to_another_triggerer_finds_the_job_without_its_submission(flink, processes):
    flink.run(NAME)
    trigger = FlinkRunningTrigger(submission="run-1.start-flink", domain="payments", scope="run-1")
    assert isinstance(event_of(trigger), TaskSuccessEvent)


def test_a_user_who_ends_the_task_ends_submission_and_job(flink, submit, processes):
    trigger = submit(seconds=600)
    flink.run(NAME)
    asyncio.run(trigger.on_kill())
    assert processes.state("run-1.start-flink") is None
    assert flink.jobs_named(NAME) == []
