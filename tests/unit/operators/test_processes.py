"""What the operators ask for, and what they leave to which trigger."""

import pytest
from airflow.sdk.exceptions import TaskDeferred

from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.operators.await_trigger import AwaitOperator
from patternalarm.operators.run_process import RunProcessOperator
from patternalarm.operators.start_process import StartProcessOperator
from patternalarm.triggers.process_exit import ProcessExitTrigger
from patternalarm.triggers.process_ready import ProcessReadyTrigger
from patternalarm.triggers.scorer_drained import ScorerDrainedTrigger


@pytest.fixture
def started(monkeypatch):
    jobs = []

    class Recorder:
        def start(self, job):
            jobs.append(job)

    monkeypatch.setattr(target, "processes", Recorder)
    return jobs


def deferral(operator):
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({})
    assert deferred.value.method_name == "fail"
    return deferred.value.trigger


def test_a_process_is_run_once_and_waited_for(started):
    job = JobSpec("run-1.t", Program.SERVICE, "a.b", {"k": "v"}, flags=("--check",))
    operator = RunProcessOperator(task_id="t", job=job, options={"shard": "1"}, accepted=(0, 3), remove=False)
    trigger = deferral(operator)
    assert started == [JobSpec("run-1.t", Program.SERVICE, "a.b", {"k": "v", "shard": "1"}, flags=("--check",))]
    assert isinstance(trigger, ProcessExitTrigger)
    assert trigger.arguments() == {"name": "run-1.t", "accepted": [0, 3], "remove": False}


def test_a_process_that_stays_is_waited_for_until_it_is_ready(started):
    job = JobSpec("s", Program.SPARK, "score_features", restarts=True, tells_ready=True)
    trigger = deferral(StartProcessOperator(task_id="t", job=job, patience=9))
    assert started == [job]
    assert isinstance(trigger, ProcessReadyTrigger)
    assert (trigger.name, trigger.patience) == ("s", 9)


def test_every_part_of_a_job_may_be_a_template(started):
    job = JobSpec("{{ run }}.t", Program.SERVICE, "a.b", {"k": "{{ v }}"}, flags=("{{ flag }}",))
    operator = RunProcessOperator(task_id="t", job=job, options={"shard": "{{ shard }}"})
    operator.render_template_fields({"run": "run-1", "v": "x", "flag": "--f", "shard": "3"})
    deferral(operator)
    assert started == [JobSpec("run-1.t", Program.SERVICE, "a.b", {"k": "x", "shard": "3"}, flags=("--f",))]


def test_a_wait_gives_its_trigger_what_it_was_told(started, monkeypatch):
    operator = AwaitOperator(
        task_id="t",
        trigger=ScorerDrainedTrigger,
        arguments={"name": "s", "domain": "iot", "scope": "{{ run }}", "score_from_ms": "{{ from }}"},
        patience=7,
    )
    operator.render_template_fields({"run": "run-1", "from": 4711})
    trigger = deferral(operator)
    assert isinstance(trigger, ScorerDrainedTrigger)
    assert (trigger.name, trigger.domain, trigger.scope) == ("s", "iot", "run-1")
    assert (trigger.score_from_ms, trigger.patience) == (4711, 7)
    assert started == []
