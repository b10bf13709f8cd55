"""Publish the dashboards: Superset gets databases, datasets, charts and dashboards as they are in `superset/assets`.

What is no longer there is pruned. Afterwards every chart's query is executed, since a valid import can still show
broken charts.
"""

from airflow.sdk import dag

from patternalarm.dag_parts.defaults import DAG_DEFAULT_ARGS, START_DATE, Tag
from patternalarm.engines.job_spec import JobSpec, Program, Size
from patternalarm.operators.run_process import RunProcessOperator

SECRETS = ("superset_db_password", "superset_admin_password", "reader_password")


@dag(
    dag_id="publish_dashboards",
    schedule=None,
    start_date=START_DATE,
    default_args=DAG_DEFAULT_ARGS,
    max_active_runs=1,
    tags=[Tag.DASHBOARDS],
    doc_md=__doc__,
)
def publish_dashboards() -> None:
    def superset(task_id: str, *flags: str) -> RunProcessOperator:
        job = JobSpec(
            f"publish_dashboards.{task_id}", Program.SUPERSET, task_id, flags=flags, secrets=SECRETS, size=Size.LARGE
        )
        return RunProcessOperator(task_id=task_id, job=job)

    import_assets = superset("import_assets")
    check_assets = superset("check_assets", "--execute")
    import_assets >> check_assets


publish_dashboards()
