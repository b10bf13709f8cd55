"""Build the alert marts: every dbt model with its tests, one task each.

A run of `run_load_test` or `replay_dataset` builds them itself, in one dbt process; this is for building them by hand,
seeing which model or test fails, and clearing it alone.
"""

from airflow.sdk import dag
from cosmos import DbtTaskGroup, ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
from cosmos.constants import ExecutionMode, InvocationMode, LoadMode, TestBehavior

from patternalarm.dag_defaults import DAG_DEFAULT_ARGS, START_DATE, Tag
from patternalarm.operators.commands import dbt_program
from patternalarm.settings import REPOSITORY

PROJECT = REPOSITORY / "dbt"


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
    DbtTaskGroup(
        group_id="marts",
        project_config=ProjectConfig(PROJECT, install_dbt_deps=False),
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
        # Airflow 3.3 takes a task for killed when its trigger fires before the scheduler hears of the deferral
        # (apache/airflow#72716); these fire at once.
        operator_args={"deferrable": False, "poke_interval": 1},
    )


build_alert_marts()
