"""What the operators ask the supervisor for, and what they leave to which trigger."""

import pytest
from airflow.sdk.exceptions import TaskDeferred

from patternalarm.hooks import targets
from patternalarm.operators.run_process import RunProcessOperator
from patternalarm.operators.start_process import StartProcessOperator
from patternalarm.triggers.process_exit import ProcessExitTrigger
from patternalarm.triggers.process_ready import ProcessReadyTrigger


@pytest.fixture
def started(monkeypatch):
    calls = []

    class Recorder:
        def start_process(self, name, command, *, env=None, restarts=False):
            calls.append((name, command, env, restarts))

    monkeypatch.setattr(targets, "processes", Recorder)
    return calls


def deferral(operator):
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute({})
    assert deferred.value.method_name == "fail"
    return deferred.value.trigger


def test_a_process_is_run_once_and_waited_for(started):
    operator = RunProcessOperator(
        task_id="t", name="run-1.t", command=["a", "b"], arguments=["c"], env={"K": "v"}, accepted=(0, 3), remove=False
    )
    trigger = deferral(operator)
    assert started == [("run-1.t", ["a", "b", "c"], {"K": "v"}, False)]
    assert isinstance(trigger, ProcessExitTrigger)
    assert trigger.arguments() == {"name": "run-1.t", "accepted": [0, 3], "remove": False}


def test_a_process_that_stays_is_started_with_a_fresh_ready_file(started, tmp_path):
    ready = tmp_path / "run-1" / "scorer.ready"
    ready.parent.mkdir()
    ready.touch()
    trigger = deferral(StartProcessOperator(task_id="t", name="s", command=["a"], ready_file=str(ready), patience=9))
    assert not ready.exists()
    assert started == [("s", ["a", "--ready-file", str(ready)], None, True)]
    assert isinstance(trigger, ProcessReadyTrigger)
    assert (trigger.ready_file, trigger.patience) == (str(ready), 9)
