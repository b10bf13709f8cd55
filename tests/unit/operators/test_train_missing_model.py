"""A domain with a model that fits goes on; another one is trained first, and a training that fails says why."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
from airflow.sdk.bases.operator import TriggerFailureReason
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, TaskDeferred

from patternalarm.models.metadata import ModelError
from patternalarm.models.registry import ModelRegistryError
from patternalarm.operators import train_missing_model
from patternalarm.operators.train_missing_model import TrainMissingModelOperator


class Database:
    """One that nobody may ask anything."""

    def write(self, _, work):
        return work(None)


@pytest.fixture
def answer(monkeypatch):
    """Sets what is known of the domain's model, or the error of looking for it."""
    monkeypatch.setattr(train_missing_model, "PlatformDatabaseHook", Database)

    def set_answer(found):
        def look(_, pack):
            assert pack.name == "gaming"
            if isinstance(found, Exception):
                raise found
            return found

        monkeypatch.setattr(train_missing_model, "serving_model", look)

    return set_answer


def operator(domain="gaming"):
    made = TrainMissingModelOperator(
        task_id="t", domain=domain, dag_id="retrain_model", execution_timeout=timedelta(hours=3)
    )
    made.fail_when_dag_is_paused = False
    return made


def test_a_domain_with_a_model_needs_none(answer):
    answer(SimpleNamespace(version="20261126-1"))
    with pytest.raises(AirflowSkipException, match="model 20261126-1 of gaming is promoted and fits"):
        operator().execute({})


@pytest.mark.parametrize(
    "missing",
    [
        ModelRegistryError("no model of gaming is promoted"),
        ModelError("no model in /gone: metadata.json cannot be read"),
        ModelError("model /m reads feature set 1, pack gaming 2 computes 3"),
    ],
)
def test_a_domain_without_one_that_fits_gets_one_first(answer, missing, monkeypatch):
    sent, pushed = [], {}
    monkeypatch.setattr(
        train_missing_model.task_runner, "SUPERVISOR_COMMS", SimpleNamespace(send=sent.append), raising=False
    )
    answer(missing)
    with pytest.raises(TaskDeferred) as deferred:
        operator().execute({"ti": SimpleNamespace(xcom_push=lambda key, value: pushed.update({key: value}))})
    (asked,) = sent
    assert (asked.dag_id, asked.conf) == ("retrain_model", {"domain": "gaming", "only_missing": True})
    assert asked.logical_date is None
    assert deferred.value.trigger.run_ids == [asked.run_id] == [pushed["trigger_run_id"]]
    # A run that somebody deletes never ends.
    assert deferred.value.timeout == timedelta(hours=3)


def test_a_training_that_does_not_end_is_told_with_what_may_have_become_of_it():
    with pytest.raises(
        AirflowFailException, match="not ended after 3:00:00; was retrain_model paused, or its run deleted"
    ):
        operator().resume_execution("__fail__", {"error": TriggerFailureReason.TRIGGER_TIMEOUT}, {})


def test_a_paused_training_is_not_waited_for():
    assert TrainMissingModelOperator(task_id="t", domain="gaming", dag_id="retrain_model").fail_when_dag_is_paused


def test_a_domain_that_nobody_knows(answer):
    with pytest.raises(AirflowFailException, match=r"gamin.*gaming"):
        operator("gamin").execute({})


def event(state):
    return "path.of.the.Trigger", {"run_ids": ["manual__1"], "manual__1": state}


def test_a_training_that_went_well_is_the_end_of_it(answer):
    assert operator().execute_complete({}, event("success")) is None


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        (["failed at retrain.validate_model"], "its training failed at retrain.validate_model"),
        ([], "its training ended before it opened a run"),
        ([None], "its training ended before it opened a run"),
    ],
)
def test_a_training_that_failed_says_where_and_which_run(answer, monkeypatch, reasons, told):
    def opened(_, dag_id, airflow_run_id):
        assert (dag_id, airflow_run_id) == ("retrain_model", "manual__1")
        return [SimpleNamespace(reason=reason) for reason in reasons]

    monkeypatch.setattr(train_missing_model.runs, "runs_of_airflow_run", opened)
    with pytest.raises(AirflowFailException) as failed:
        operator().execute_complete({}, event("failed"))
    assert str(failed.value) == f"no model of gaming: {told}; see run manual__1 of retrain_model"
