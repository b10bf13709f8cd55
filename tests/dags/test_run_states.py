"""Whole runs, decided by Airflow's own rules on a database of its own; the platform's engines are not there."""

import threading
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from patternalarm.models.metadata import ModelError
from patternalarm.operators import open_run, train_missing_model


@pytest.fixture(scope="module")
def airflow_database():
    """Airflow's tables, in the home that conftest.py made."""
    from airflow.utils.db import initdb

    initdb()


class Database:
    """One that nobody may ask anything."""

    def write(self, _, work):
        return work(None)


@pytest.fixture
def states(airflow_database, dag_bag, monkeypatch):
    """Runs a load test; gives the state of the run and of its tasks. Opening it is as far as it can come."""

    def refuse(*_):
        raise RuntimeError("no engine is there")

    monkeypatch.setattr(open_run.OpenRunOperator, "_check_engines", staticmethod(refuse))
    monkeypatch.setattr(train_missing_model, "PlatformDatabaseHook", Database)

    def run(**conf):
        finished = dag_bag.dags["run_load_test"].test(run_conf=conf)
        return finished.state, {ti.task_id: ti.state for ti in finished.get_task_instances()}

    return run


def test_a_misspelt_parameter_ends_the_run_before_anything_is_started(states):
    state, tasks = states(domian="iot")
    assert state == "failed"
    assert tasks.pop("train_missing_model") == "failed"
    assert set(tasks.values()) == {"upstream_failed"}


def test_a_run_goes_on_without_training_when_there_is_a_model(states, monkeypatch):
    monkeypatch.setattr(train_missing_model, "serving_model", lambda *_: SimpleNamespace(version="m-1"))
    state, tasks = states(domain="iot")
    assert state == "failed"
    assert (tasks.pop("train_missing_model"), tasks.pop("open_run")) == ("skipped", "failed")
    assert set(tasks.values()) == {"upstream_failed"}


def end_training(state):
    """Stands in for the scheduler and its workers: ends the run of `retrain_model` that waits for them."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with create_session() as session:
            waiting = session.scalars(select(DagRun).filter_by(dag_id="retrain_model", state="queued")).first()
            if waiting:
                assert waiting.conf == {"domain": "iot", "only_missing": True}
                waiting.state = state
                return
        time.sleep(0.2)


@pytest.mark.parametrize(
    ("trained", "opened"),
    [pytest.param("success", "failed", id="done"), pytest.param("failed", "upstream_failed", id="failed")],
)
def test_a_run_is_opened_once_its_missing_model_is_trained_and_not_when_that_fails(
    states, monkeypatch, trained, opened
):
    def no_model(*_):
        raise ModelError("no model in /gone")

    monkeypatch.setattr(train_missing_model, "serving_model", no_model)
    monkeypatch.setattr(train_missing_model.runs, "runs_of_airflow_run", lambda *_: [])
    scheduler = threading.Thread(target=end_training, args=(trained,))
    scheduler.start()
    state, tasks = states(domain="iot")
    scheduler.join()
    # Opening fails for want of engines, which is as far as a run comes here.
    assert state == "failed"
    assert (tasks.pop("train_missing_model"), tasks.pop("open_run")) == (trained, opened)
    assert set(tasks.values()) == {"upstream_failed"}


def test_the_second_of_two_that_wait_for_the_same_model_does_not_train_it_again(airflow_database, dag_bag, monkeypatch):
    def refuse(*_):
        raise RuntimeError("no engine is there")

    monkeypatch.setattr(open_run.OpenRunOperator, "_check_engines", staticmethod(refuse))
    monkeypatch.setattr(train_missing_model, "PlatformDatabaseHook", Database)
    trained = {"gaming"}

    def look(_, pack):
        if pack.name not in trained:
            raise ModelError("no model in /gone")
        return SimpleNamespace(version="m-1")

    monkeypatch.setattr(train_missing_model, "serving_model", look)

    def opened(**conf):
        finished = dag_bag.dags["retrain_model"].test(run_conf=conf)
        states = [ti.state for ti in finished.get_task_instances() if ti.task_id == "retrain.open_run"]
        return finished.state, states

    assert opened(domain="gaming", only_missing=True) == ("success", ["skipped"])
    assert opened(domain="iot", only_missing=True) == ("failed", ["failed"])
    assert opened(domain="gaming", only_missing=False) == ("failed", ["failed"])
    assert opened(domain="all", only_missing=True) == ("failed", ["failed", "failed"])
