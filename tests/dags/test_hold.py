"""A task of a run begins only while its run is open, and renews its lease by that."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.dag_parts import hold
from patternalarm.dag_parts.hold import hold_run


class Instance:
    """A task instance of a mapped run, or of a run of its own; without ``values`` nothing was opened."""

    def __init__(self, map_index=-1, values=True):
        self.map_index = map_index
        self.values = values

    def xcom_pull(self, task_ids, map_indexes=None):
        if not self.values:
            return None
        return {"run_id": f"of {task_ids} {map_indexes}"}


@pytest.fixture
def leases(monkeypatch):
    """The runs whose leases were renewed; those of ``closed`` are."""
    state = SimpleNamespace(renewed=[], closed=set())

    class Database:
        def write(self, what, work):
            return work(None)

    def renew(_, run_id):
        if run_id in state.closed:
            raise hold.runs.closed(run_id)
        state.renewed.append(run_id)

    monkeypatch.setattr(hold, "PlatformDatabaseHook", Database)
    monkeypatch.setattr(hold.runs, "renew_lease", renew)
    return state


@pytest.fixture
def begin(dag_bag, leases):
    """Begins a task; gives the runs whose leases are renewed by it."""

    def begin_task(dag_id, task_id, **instance):
        task = dag_bag.dags[dag_id].get_task(task_id)
        hold_run({"task": task, "ti": Instance(**instance)})
        return leases.renewed

    return begin_task


def test_a_task_renews_the_lease_of_its_run(begin):
    assert begin("run_load_test", "grade") == ["of open_run None"]


def test_a_mapped_task_of_a_run_renews_that_runs(begin):
    assert begin("run_load_test", "generate", map_index=1) == ["of open_run None"]


def test_a_task_of_a_mapped_run_renews_its_own_runs(begin):
    assert begin("retrain_model", "retrain.train_model", map_index=1) == ["of retrain.open_run 1"]


@pytest.mark.parametrize(
    ("dag_id", "task_id"),
    [
        ("run_load_test", "train_missing_model"),
        ("run_load_test", "open_run"),
        ("run_load_test", "close_run"),
        ("replay_dataset", "check_file"),
        ("retrain_model", "choose_domains"),
        ("retrain_model", "retrain.open_run"),
        ("publish_dashboards", "check_assets"),
        ("plan_capacity", "measure"),
        ("enforce_scale_to_zero", "close_abandoned_runs"),
    ],
)
def test_what_comes_before_a_run_ends_it_or_has_none_holds_none(begin, dag_id, task_id):
    assert begin(dag_id, task_id, values=False) == []


def test_a_task_of_a_closed_run_does_not_begin(begin, leases):
    leases.closed = {"of open_run None"}
    with pytest.raises(AirflowFailException, match=r"of open_run None is closed.*trigger the DAG again"):
        begin("run_load_test", "grade")


def test_a_run_that_was_only_said_to_be_opened_is_none(begin):
    with pytest.raises(AirflowFailException, match="open_run opened no run: trigger the DAG again"):
        begin("run_load_test", "create_topics", values=False)
