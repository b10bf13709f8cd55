"""A domain with a model that fits goes on; another one is trained first, and a training that fails says why."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, DagRunTriggerException

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
    made = TrainMissingModelOperator(task_id="t", domain=domain, dag_id="retrain_model")
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
def test_a_domain_without_one_that_fits_gets_one_first(answer, missing):
    answer(missing)
    with pytest.raises(DagRunTriggerException) as triggered:
        operator().execute({})
    assert (triggered.value.trigger_dag_id, triggered.value.conf) == (
        "retrain_model",
        {"domain": "gaming", "only_missing": True},
    )
    assert triggered.value.wait_for_completion
    assert triggered.value.deferrable
    assert triggered.value.logical_date is None


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
