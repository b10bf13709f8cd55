"""A run that nobody graded ends by what became of its tasks."""

from types import SimpleNamespace

import pytest

from patternalarm.operators import close_run
from patternalarm.operators.close_run import CloseRunOperator
from patternalarm.runs.registry import RunState


@pytest.fixture
def ended(monkeypatch):
    """How runs were closed."""
    closed = []

    class Closer:
        def __init__(self, log):
            """Log as you like."""

        def close(self, run_id, state, reason, *, keep_topics):
            closed.append((run_id, state, reason, keep_topics))

    monkeypatch.setattr(close_run, "RunCloser", Closer)
    return closed


def task_states(instances, wanted):
    """What Airflow's own route of the Execution API makes of these task instances, beneath its database session."""
    from airflow.api_fastapi.execution_api.routes.task_instances import get_task_instance_states

    rows = [
        SimpleNamespace(run_id="airflow-run", task_id=task_id, map_index=map_index, state=state)
        for task_id, map_index, state in instances
        if wanted is None or map_index == wanted
    ]
    session = SimpleNamespace(scalars=lambda _: SimpleNamespace(all=lambda: rows))
    answer = get_task_instance_states(
        dag_id="run_load_test",
        session=session,
        dag_bag=None,
        map_index=wanted,
        task_ids=None,
        task_group_id=None,
        logical_dates=None,
        run_ids=["airflow-run"],
    )
    return dict(answer.task_states)


def close(*instances, map_index=-1, **options):
    """Close run-1 in an Airflow run with these task instances, each a task id, a map index and a state."""
    ti = SimpleNamespace(
        dag_id="run_load_test",
        run_id="airflow-run",
        map_index=map_index,
        get_task_states=lambda dag_id, run_ids, map_index: task_states(instances, map_index),
    )
    operator = CloseRunOperator(task_id="close_run", run_id="run-1", **options)
    operator.execute({"ti": ti})


def test_topics_can_be_kept(ended):
    close(keep_topics="True")
    assert [keep for *_, keep in ended] == [True]


def test_a_run_that_nobody_graded_failed_where_its_tasks_did(ended):
    close(("start_scorer", -1, "failed"), ("start_flink", -1, "success"), ("grade", -1, "upstream_failed"))
    assert ended == [("run-1", RunState.FAILED, "failed at start_scorer", False)]


def test_a_mapped_task_is_named_with_its_number(ended):
    close(("generate", 0, "success"), ("generate", 1, "failed"))
    assert ended == [("run-1", RunState.FAILED, "failed at generate_1", False)]


@pytest.mark.parametrize("map_index", [0, 1, 12])
def test_a_retraining_passes_when_its_own_model_was_promoted(ended, map_index):
    others = [("retrain.promote_model", other, "failed") for other in range(13) if other != map_index]
    mine = [("retrain.open_run", map_index, "success"), ("retrain.promote_model", map_index, "success")]
    close(*others, *mine, map_index=map_index, succeeded="retrain.promote_model")
    assert ended == [("run-1", RunState.PASSED, None, False)]


def test_a_retraining_fails_where_its_own_tasks_did(ended):
    close(
        ("retrain.promote_model", 0, "success"),
        ("retrain.validate_model", 1, "failed"),
        ("retrain.promote_model", 1, "upstream_failed"),
        map_index=1,
        succeeded="retrain.promote_model",
    )
    assert ended == [("run-1", RunState.FAILED, "failed at retrain.validate_model", False)]
