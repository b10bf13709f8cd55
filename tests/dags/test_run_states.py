"""Whole runs, decided by Airflow's own rules on a database of its own; the platform's engines are not there."""

from types import SimpleNamespace

import pytest

from patternalarm.models.metadata import ModelError
from patternalarm.operators import open_run, train_missing_model


@pytest.fixture(scope="module")
def airflow_database():
    """Airflow's tables, in the home that conftest.py made."""
    from airflow.utils.db import initdb

    initdb()


class Database:
    """Connections that nobody may ask anything."""

    def connect(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Closed."""


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


def test_a_run_whose_training_fails_is_never_opened(states, monkeypatch):
    def no_model(*_):
        raise ModelError("no model in /gone")

    # Nobody would run the DAG that trains here, so its end is told at once.
    monkeypatch.setattr(train_missing_model, "serving_model", no_model)
    monkeypatch.setattr(
        train_missing_model.TriggerDagRunOperator,
        "_trigger_dag_af_3",
        lambda self, context, run_id, **_: self.execute_complete(
            context, ("", {"run_ids": [run_id], run_id: "failed"})
        ),
    )
    monkeypatch.setattr(train_missing_model.runs, "runs_of_airflow_run", lambda *_: [])
    state, tasks = states(domain="iot")
    assert state == "failed"
    assert (tasks.pop("train_missing_model"), tasks.pop("open_run")) == ("failed", "upstream_failed")
    assert set(tasks.values()) == {"upstream_failed"}
