"""Every DAG parses, is documented, and is one of those that we mean to have."""

import ast
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from airflow.sdk.timezone import utcnow
from airflow.serialization.serialized_objects import DagSerialization

from patternalarm.dag_parts.defaults import DAG_DEFAULT_ARGS, Tag, begin_task
from patternalarm.dag_parts.params import begin_load_test
from patternalarm.operators.train_missing_model import TrainMissingModelOperator

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DAG_FILES = sorted((REPOSITORY / "dags").glob("*.py"))
DAG_IDS = {
    "build_alert_marts",
    "enforce_scale_to_zero",
    "plan_capacity",
    "publish_dashboards",
    "replay_dataset",
    "retrain_model",
    "run_load_test",
}
MAX_LINES = 150

# Each of them costs a second or more, in every task, since a task imports its DAG's file.
HEAVY = ["matplotlib", "numpy", "pandas", "pyarrow", "pyflink", "pyspark", "shap"]


def test_the_dags_are_exactly_those_that_we_mean_to_have(dag_bag):
    assert dag_bag.import_errors == {}
    assert set(dag_bag.dags) == DAG_IDS


@pytest.mark.parametrize("file", DAG_FILES, ids=lambda file: file.stem)
def test_a_file_is_one_dag_named_like_it_and_short(dag_bag, file):
    assert file.stem in DAG_IDS
    assert Path(dag_bag.dags[file.stem].fileloc) == file
    assert not file.stem.startswith("dbt_"), "dbt imports every dbt_* module on the path"
    assert len(file.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_a_dag_is_documented_tagged_and_has_the_common_defaults(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    docstring = ast.get_docstring(ast.parse(Path(dag.fileloc).read_text()), clean=False)
    assert dag.doc_md == docstring
    assert dag.tags
    assert dag.tags <= set(Tag)
    assert {key: dag.default_args.get(key) for key in DAG_DEFAULT_ARGS} == DAG_DEFAULT_ARGS
    assert dag.catchup is False


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_no_task_begins_before_the_run_is_known_to_be_asked_for_in_names_that_the_dag_has(dag_bag, dag_id):
    for task in dag_bag.dags[dag_id].tasks:
        hook = task.partial_kwargs["pre_execute"] if task.is_mapped else task._pre_execute_hook
        assert hook in (begin_task, begin_load_test), task.task_id


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_no_task_may_take_for_ever(dag_bag, dag_id):
    for task in dag_bag.dags[dag_id].tasks:
        timeout = task.partial_kwargs["execution_timeout"] if task.is_mapped else task.execution_timeout
        assert timeout is not None, task.task_id
        assert timedelta() < timeout <= DAG_DEFAULT_ARGS["execution_timeout"], task.task_id
        # A wait tells what it waited for, which Airflow's own end of it does not.
        assert timedelta(seconds=getattr(task, "patience", 0)) < timeout, task.task_id
        # To Airflow, a deferred task's time is told by who defers it: ours do.
        if getattr(task, "deferrable", False):
            assert isinstance(task, TrainMissingModelOperator), task.task_id


@pytest.mark.parametrize("dag_id", sorted(DAG_IDS))
def test_the_scheduler_can_keep_a_dag(dag_bag, dag_id):
    kept = DagSerialization.to_dict(dag_bag.dags[dag_id])
    assert set(DagSerialization.from_dict(kept).task_dict) == set(dag_bag.dags[dag_id].task_dict)


def test_only_retraining_and_the_watchdog_are_scheduled(dag_bag):
    scheduled = {dag_id for dag_id, dag in dag_bag.dags.items() if dag.timetable.can_be_scheduled}
    assert scheduled == {"retrain_model", "enforce_scale_to_zero"}


def test_the_watchdog_comes_every_ten_minutes_one_at_a_time(dag_bag):
    dag = DagSerialization.from_dict(DagSerialization.to_dict(dag_bag.dags["enforce_scale_to_zero"]))
    first = dag.next_dagrun_info(last_automated_run_info=None)
    second = dag.next_dagrun_info(last_automated_run_info=first)
    assert second.run_after - first.run_after == timedelta(minutes=10)
    assert dag.max_active_runs == 1
    assert dag.get_task("close_abandoned_runs").execution_timeout < timedelta(minutes=10)


@pytest.mark.parametrize("file", DAG_FILES, ids=lambda file: file.stem)
def test_a_file_does_nothing_at_import_but_declare_its_dag(file):
    for statement in ast.parse(file.read_text()).body:
        if isinstance(statement, ast.Expr):
            documents = isinstance(statement.value, ast.Constant)
            declares = isinstance(statement.value, ast.Call) and ast.unparse(statement.value) == f"{file.stem}()"
            assert documents or declares, ast.unparse(statement)
        else:
            assert isinstance(statement, ast.Import | ast.ImportFrom | ast.Assign | ast.FunctionDef)


@pytest.mark.parametrize("file", DAG_FILES, ids=lambda file: file.stem)
def test_importing_a_file_brings_nothing_heavy(file):
    # In a process of its own, since this one may have it from elsewhere.
    script = (
        f"import runpy, sys; runpy.run_path({str(file)!r}); print('found', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    imported = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert imported.stdout.splitlines()[-1] == "found []"


def test_a_new_platform_does_not_make_up_for_the_last_scheduled_retraining(dag_bag):
    dag = DagSerialization.from_dict(DagSerialization.to_dict(dag_bag.dags["retrain_model"]))
    first = dag.next_dagrun_info(last_automated_run_info=None)
    assert first.run_after > utcnow()
