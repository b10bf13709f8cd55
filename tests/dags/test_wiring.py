"""What the graphs promise: everything that a run starts is undone, and the run's state is its verdict's."""

import itertools
import json
from dataclasses import dataclass

import pytest
import yaml
from airflow.models.dagrun import DagRun
from airflow.serialization.serialized_objects import DagSerialization

from patternalarm.engines.job_spec import JobSpec
from patternalarm.operators.await_trigger import AwaitOperator
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.operators.run_process import RunProcessOperator
from patternalarm.operators.start_process import StartProcessOperator
from patternalarm.operators.submit_flink_job import SubmitFlinkJobOperator
from patternalarm.settings import REPOSITORY, Settings, get_settings

RUNS = {"run_load_test": "", "replay_dataset": "", "retrain_model": "retrain."}
VERDICTS = {"run_load_test": "grade", "replay_dataset": "grade", "retrain_model": "retrain.promote_model"}
PASSWORDS = [name for name in Settings.model_fields if name.endswith("_password")]
STARTERS = (RunProcessOperator, StartProcessOperator, SubmitFlinkJobOperator)


@dataclass(frozen=True)
class Instance:
    """As much of a task instance as the rule looks at."""

    task_id: str
    state: str | None = None


def is_starter(task):
    return issubclass(getattr(task, "operator_class", type(task)), STARTERS)


@pytest.mark.parametrize(("dag_id", "group"), RUNS.items())
def test_setup_opens_and_teardown_closes_whatever_happens(dag_bag, dag_id, group):
    dag = dag_bag.dags[dag_id]
    open_run, close_run = dag.get_task(f"{group}open_run"), dag.get_task(f"{group}close_run")
    assert open_run.is_setup
    assert close_run.is_teardown
    assert close_run.on_failure_fail_dagrun
    assert open_run.task_id in close_run.upstream_task_ids
    assert {task.task_id for task in dag.tasks if task.is_teardown} == {close_run.task_id}


@pytest.mark.parametrize(("dag_id", "group"), RUNS.items())
def test_a_teardown_is_tried_again_and_nothing_else_is(dag_bag, dag_id, group):
    retries = {task.task_id: task.retries for task in dag_bag.dags[dag_id].tasks if not task.is_mapped}
    assert retries.pop(f"{group}close_run") > 0
    assert set(retries.values()) == {0}


def test_weekly_retraining_trains_one_domain_after_the_other(dag_bag):
    assert dag_bag.dags["retrain_model"].get_task("retrain.open_run").alone
    assert not dag_bag.dags["run_load_test"].get_task("open_run").alone


@pytest.mark.parametrize(("dag_id", "group"), RUNS.items())
def test_a_run_fails_with_its_verdict_and_with_its_teardown(dag_bag, dag_id, group):
    """The rule by which Airflow itself takes a run's state from its tasks, on the DAG as the scheduler knows it."""
    dag = DagSerialization.from_dict(DagSerialization.to_dict(dag_bag.dags[dag_id]))
    instances = [Instance(task_id) for task_id in dag.task_dict]
    deciding = DagRun._tis_for_dagrun_state(None, dag=dag, tis=instances)
    assert {instance.task_id for instance in deciding} == {f"{group}verdict", f"{group}close_run"}
    assert dag.get_task(f"{group}verdict").upstream_task_ids == {VERDICTS[dag_id]}
    assert dag.get_task(f"{group}verdict").trigger_rule == "all_success"


@pytest.mark.parametrize(("dag_id", "group"), RUNS.items())
def test_the_teardown_waits_for_all_that_may_start_something(dag_bag, dag_id, group):
    # A failure makes all that follows it fail at once, so the teardown may begin while other branches still run.
    dag = dag_bag.dags[dag_id]
    starters = {task.task_id for task in dag.tasks if is_starter(task)} - {"check_file"}
    assert starters
    assert starters <= dag.get_task(f"{group}close_run").upstream_task_ids


@pytest.mark.parametrize("dag_id", RUNS)
def test_nothing_is_started_before_the_run_is_open(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    open_run = next(task for task in dag.tasks if task.is_setup)
    for task in dag.tasks:
        if is_starter(task) and task.task_id != "check_file":
            assert open_run.task_id in task.get_flat_relative_ids(upstream=True), task.task_id


@pytest.mark.parametrize(("dag_id", "group"), RUNS.items())
def test_every_job_reads_the_runs_own_copy_of_its_pack(dag_bag, dag_id, group):
    before = {"check_file", "train_missing_model", "choose_domains", f"{group}open_run"}
    readers = set()
    for task in dag_bag.dags[dag_id].tasks:
        fields = task.partial_kwargs if task.is_mapped else {name: getattr(task, name) for name in task.template_fields}
        told = str(fields)
        if task.task_id not in before:
            assert "params.pack" not in told and "params.domain" not in told, task.task_id
        if "['pack']" in told:
            readers.add(task.task_id.removeprefix(group))
    engines = {"start_flink"} if dag_id == "retrain_model" else {"start_flink", "start_scorer", "start_alert_writer"}
    if dag_id != "retrain_model":
        engines.add("start_online_store")
    training = {"extract_features", "train_model", "validate_model"}
    assert (
        readers
        == {
            "run_load_test": {*engines, "publish_history", "generate"},
            "retrain_model": {*engines, *training, "publish_history", "promote_model"},
            "replay_dataset": {*engines, *training, "publish_train", "publish_test", "register_model"},
        }[dag_id]
    )


def test_a_missing_model_is_trained_before_the_run_is_opened_and_without_a_worker(dag_bag):
    dag = dag_bag.dags["run_load_test"]
    training, open_run = dag.get_task("train_missing_model"), dag.get_task("open_run")
    assert training.trigger_dag_id in dag_bag.dags
    assert training.conf.keys() <= set(dag_bag.dags[training.trigger_dag_id].params)
    assert training.wait_for_completion
    assert training.deferrable
    assert training.upstream_task_ids == set()
    assert open_run.upstream_task_ids == {training.task_id}
    # Skipped is as good as done; a setup records and leases, and starts nothing.
    assert open_run.trigger_rule == "none_failed"


def test_a_replayed_file_is_checked_before_anything_is_opened(dag_bag):
    dag = dag_bag.dags["replay_dataset"]
    assert "check_file" in dag.get_task("open_run").upstream_task_ids
    assert dag.get_task("check_file").upstream_task_ids == set()


def test_events_flow_when_everything_runs_and_history_is_read(dag_bag):
    dag = dag_bag.dags["run_load_test"]
    assert dag.get_task("await_history").upstream_task_ids == {"start_flink", "publish_history"}
    assert {"await_history", "start_flink", "start_scorer", "start_alert_writer"} <= dag.get_task(
        "plan_measurement"
    ).upstream_task_ids


def test_generators_are_mapped_and_left_for_the_watcher(dag_bag):
    dag = dag_bag.dags["run_load_test"]
    for task_id in ("publish_history", "generate"):
        assert dag.get_task(task_id).is_mapped
    assert dag.get_task("generate").partial_kwargs["remove"] is False
    assert dag.get_task("watch_jobs").upstream_task_ids == {"plan_measurement"}


def test_the_stages_are_drained_in_the_order_of_the_data(dag_bag):
    dag = dag_bag.dags["run_load_test"]
    order = ["generate", "drain_flink", "drain_scorer", "drain_alert_writer", "account", "measure", "report", "grade"]
    for before, after in itertools.pairwise(order):
        assert before in dag.get_task(after).upstream_task_ids


@pytest.mark.parametrize("dag_id", ["run_load_test", "replay_dataset"])
def test_the_marts_decide_nothing_and_are_built_before_the_run_is_closed(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    marts = dag.get_task("build_marts")
    assert marts.downstream_task_ids == {"close_run"}
    assert "build_marts" not in dag.get_task("grade").get_flat_relative_ids(upstream=True)
    assert "build_marts" not in dag.get_task("verdict").get_flat_relative_ids(upstream=True)
    # In the run's own scratch folder, which goes with it, and without the tests that read all of history.
    assert "['run_dir']" in marts.job["options"]["target_path"]
    assert (marts.job["program"], marts.job["module"]) == ("dbt", "run")


@pytest.mark.parametrize("dag_id", ["run_load_test", "replay_dataset"])
def test_profiles_decide_nothing_and_hold_up_nothing(dag_bag, dag_id):
    dag = dag_bag.dags[dag_id]
    start = dag.get_task("start_online_store")
    assert start.upstream_task_ids == {"create_topics"}
    assert start.downstream_task_ids == {"close_run"}
    assert start.patience == get_settings().first_answer_seconds
    if dag_id == "run_load_test":
        assert start.job["name"] not in dag.get_task("watch_jobs").jobs


def test_all_waiting_is_left_to_the_triggerer(dag_bag):
    waiting = [
        task
        for dag in dag_bag.dags.values()
        for task in dag.tasks
        if issubclass(getattr(task, "operator_class", type(task)), AwaitingOperator)
    ]
    assert any(isinstance(task, AwaitOperator) for task in waiting)
    assert {task.retries for task in waiting} == {0}


@pytest.mark.parametrize(("dag_id", "group"), RUNS.items())
def test_no_two_processes_of_a_run_share_a_name(dag_bag, dag_id, group):
    names = []
    for task in dag_bag.dags[dag_id].tasks:
        if is_starter(task):
            names.append(spec_of(task).name)
    assert len(names) == len(set(names))


def spec_of(task):
    return task.partial_kwargs["job"] if task.is_mapped else JobSpec.of(task.job)


@pytest.mark.parametrize("dag_id", [*RUNS, "publish_dashboards", "plan_capacity"])
def test_a_job_says_what_is_run_and_nothing_of_this_machine(dag_bag, dag_id):
    specs = [spec_of(task) for task in dag_bag.dags[dag_id].tasks if is_starter(task)]
    assert specs
    for spec in specs:
        text = json.dumps(spec.to_json())
        assert str(REPOSITORY) not in text
        assert str(get_settings().home) not in text
        assert "/python" not in text
        assert set(spec.secrets) <= set(PASSWORDS), spec.name


def test_what_stays_is_started_again_and_tells_when_it_is_ready(dag_bag):
    dag = dag_bag.dags["run_load_test"]
    specs = {task.task_id: spec_of(task) for task in dag.tasks if is_starter(task)}
    stays = {"start_scorer", "start_alert_writer", "start_online_store"}
    assert {task_id for task_id, spec in specs.items() if spec.restarts} == stays
    assert {task_id for task_id, spec in specs.items() if spec.tells_ready} == stays


def test_every_model_has_a_task_that_finds_its_result_after_dbt_is_done(dag_bag):
    project = yaml.safe_load((REPOSITORY / "dbt" / "dbt_project.yml").read_text())["name"]
    models = {path.stem for path in (REPOSITORY / "dbt" / "models").rglob("*.sql")}
    results = [task for task in dag_bag.dags["build_alert_marts"].tasks if hasattr(task, "model_unique_id")]
    assert {task.model_unique_id for task in results} == {f"model.{project}.{model}" for model in models}
    for task in results:
        assert "marts.dbt_producer_watcher" in task.upstream_task_ids
        assert not task.deferrable


def test_the_capacity_study_takes_what_the_dag_is_asked_and_leaves_the_repository_alone(dag_bag):
    dag = dag_bag.dags["plan_capacity"]
    (task,) = dag.tasks
    spec = spec_of(task)
    assert spec.module == "studies.capacity"
    assert spec.options == {name: f"{{{{ params.{name} }}}}" for name in dag.params}
    assert spec.flags == ("--among-reports",)
    # Two at once would measure each other, and set each other's quotas.
    assert dag.max_active_runs == 1
