"""Build the alert marts: every dbt model with its tests, one task each.

A run of `run_load_test` or `replay_dataset` builds the models itself, in one dbt process beside its grading. This is for
building them by hand, seeing which model fails, and clearing it alone; and only here is their data tested, since that
reads all the history there is.
"""

from airflow.sdk import TriggerRule, dag
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, InvocationMode, LoadMode, TestBehavior

from patternalarm.dag_parts.defaults import DAG_DEFAULT_ARGS, START_DATE, Tag
from patternalarm.engines.target import dbt_program
from patternalarm.settings import REPOSITORY

PROJECT = REPOSITORY / "dbt"
PRODUCER = "marts.dbt_producer_watcher"


@dag(
    dag_id="build_alert_marts",
    schedule=None,
    start_date=START_DATE,
    default_args=DAG_DEFAULT_ARGS,
    max_active_runs=1,
    tags=[Tag.MARTS],
    doc_md=__doc__,
)
def build_alert_marts() -> None:
    marts = DbtTaskGroup(
        group_id="marts",
        # Under any other name than dbt's own, every model's task would find no result and succeed.
        project_config=ProjectConfig(PROJECT, project_name="patternalarm", install_dbt_deps=False),
        profile_config=ProfileConfig(
            profile_name="patternalarm", target_name="local", profiles_yml_filepath=PROJECT / "profiles.yml"
        ),
        execution_config=ExecutionConfig(
            execution_mode=ExecutionMode.WATCHER,
            invocation_mode=InvocationMode.SUBPROCESS,
            dbt_executable_path=dbt_program(),
        ),
        render_config=RenderConfig(
            load_method=LoadMode.CUSTOM, test_behavior=TestBehavior.AFTER_EACH, emit_datasets=False
        ),
        operator_args={"deferrable": False},
    )
    # Each model's task tells how dbt fared with it, once dbt is done. While dbt works, they would hold all workers before
    # it got one; deferred instead, they fall into a race of Airflow 3.3, which takes a task for killed when its trigger
    # fires before the scheduler hears of the deferral (apache/airflow#72716).
    for name, result in marts.children.items():
        if name.endswith("_run"):
            result.trigger_rule = TriggerRule.ALL_DONE
            marts.children[PRODUCER] >> result


build_alert_marts()
