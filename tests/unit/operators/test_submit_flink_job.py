"""Submission, with programs that answer as `flink run` does."""

import sys

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from patternalarm.hooks import targets
from patternalarm.operators.submit_flink_job import SubmitFlinkJobOperator
from patternalarm.retrying import asking_once

JOB = "192ab258ecdc79bfc54072f9646a00b4"


class Instance:
    """Keeps what is pushed."""

    def __init__(self):
        self.pushed = {}

    def xcom_push(self, key, value):
        self.pushed[key] = value


@pytest.fixture
def cluster(monkeypatch):
    class Flink:
        slots = 8

        def free_slots(self):
            return self.slots

    flink = Flink()
    monkeypatch.setattr(targets, "flink", lambda: flink)
    return flink


def submit(code, instance=None, slots=2):
    operator = SubmitFlinkJobOperator(task_id="t", command=[sys.executable, "-c", code], slots=slots)
    operator.execute({"ti": instance or Instance()})


def test_the_job_is_waited_for_and_its_id_is_told(cluster):
    instance = Instance()
    with pytest.raises(TaskDeferred) as deferred:
        submit(f"print('WARNING: x'); print('Job has been submitted with JobID {JOB}')", instance)
    assert deferred.value.trigger.job_id == JOB
    assert instance.pushed == {"job_id": JOB}


def test_without_free_slots_nothing_is_submitted(cluster, tmp_path):
    cluster.slots = 1
    with (
        asking_once(),
        pytest.raises(AirflowFailException, match="1 free task slots, the job needs 2: wait until another run ends"),
    ):
        submit(f"open({str(tmp_path / 'submitted')!r}, 'w')")
    assert not (tmp_path / "submitted").exists()


def test_slots_of_a_taskmanager_that_is_restarted_are_waited_for(cluster):
    answers = [0, 0, 8]
    cluster.free_slots = lambda: answers.pop(0)
    with pytest.raises(TaskDeferred):
        submit(f"print('Job has been submitted with JobID {JOB}')")
    assert answers == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("print('no domain pack paymets'); raise SystemExit(2)", "exit code 2: no domain pack paymets"),
        ("print('nothing of use')", "exit code 0: nothing of use"),
        ("raise SystemExit(1)", "exit code 1: it printed nothing"),
    ],
)
def test_a_refused_submission_is_told_with_the_line_that_says_why(cluster, code, message):
    with pytest.raises(AirflowFailException, match=message):
        submit(code)


def test_a_missing_program_is_named(cluster):
    operator = SubmitFlinkJobOperator(task_id="t", command=["/nowhere/flink", "run"], slots=1)
    with pytest.raises(AirflowFailException, match="there is no /nowhere/flink: `make up`"):
        operator.execute({})
