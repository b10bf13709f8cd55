"""What is asked for before a submission, and what is left to the trigger."""

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.operators.submit_flink_job import SubmitFlinkJobOperator
from patternalarm.retrying import asking_once

JOB = JobSpec("run-1.start-flink", Program.FLINK, "detect_patterns", {"pack": "iot"})


class Cluster:
    """Free slots, and the jobs that were started."""

    def __init__(self):
        self.slots, self.started = [8], []

    def free_slots(self):
        return self.slots.pop(0) if len(self.slots) > 1 else self.slots[0]

    def start(self, job):
        self.started.append(job)


@pytest.fixture
def cluster(monkeypatch):
    made = Cluster()
    monkeypatch.setattr(target, "flink", lambda: made)
    monkeypatch.setattr(target, "processes", lambda: made)
    return made


def submit():
    SubmitFlinkJobOperator(task_id="t", job=JOB, domain="iot", scope="run-1", slots=2, patience=9).execute({})


def test_the_submission_is_a_job_like_any_other_and_waited_for(cluster):
    with pytest.raises(TaskDeferred) as deferred:
        submit()
    assert cluster.started == [JOB]
    trigger = deferred.value.trigger
    assert trigger.arguments() == {"submission": "run-1.start-flink", "domain": "iot", "scope": "run-1"}
    assert trigger.patience == 9


def test_without_free_slots_nothing_is_submitted(cluster):
    cluster.slots = [1]
    with (
        asking_once(),
        pytest.raises(AirflowFailException, match="1 free task slots, the job needs 2: wait until another run ends"),
    ):
        submit()
    assert cluster.started == []


def test_slots_of_a_taskmanager_that_is_restarted_are_waited_for(cluster):
    cluster.slots = [0, 0, 8]
    with pytest.raises(TaskDeferred):
        submit()
    assert cluster.slots == [8]
