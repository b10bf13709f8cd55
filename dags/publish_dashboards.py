"""Publish the dashboards: Superset gets databases, datasets, charts and dashboards as they are in `superset/assets`.

What is no longer there is pruned. Afterwards every chart's query is executed, since a valid import can still show
broken charts.
"""

from airflow.sdk import dag

from patternalarm.dag_parts.defaults import DAG_DEFAULT_ARGS, START_DATE, Tag
from patternalarm.operators.commands import superset_script
from patternalarm.operators.run_process import RunProcessOperator


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
    import_assets = RunProcessOperator(
        task_id="import_assets", name="publish_dashboards.import_assets", command=superset_script("import_assets.py")
    )
    check_assets = RunProcessOperator(
        task_id="check_assets",
        name="publish_dashboards.check_assets",
        command=superset_script("check_assets.py", "--execute"),
    )
    import_assets >> check_assets


publish_dashboards()
