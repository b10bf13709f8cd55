"""Enforce scale to zero: every ten minutes, whatever no live run owns is closed.

A run closes itself by its teardown. This is for what a teardown cannot reach: a run that was deleted, an opening that was
ended by hand, a teardown that an engine refused, a DAG that was paused in the middle of a run. A run is live while its lease
is and its DAG run goes on; the lease is renewed by every task that begins or waits for the run.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag

from patternalarm.dag_parts.defaults import DAG_DEFAULT_ARGS, Tag
from patternalarm.operators.close_abandoned_runs import CloseAbandonedRunsOperator


@dag(
    dag_id="enforce_scale_to_zero",
    schedule=CronTriggerTimetable("*/10 * * * *", timezone="UTC", run_immediately=False),
    catchup=False,
    default_args=DAG_DEFAULT_ARGS,
    max_active_runs=1,
    tags=[Tag.OPERATION],
    doc_md=__doc__,
)
def enforce_scale_to_zero() -> None:
    CloseAbandonedRunsOperator(task_id="close_abandoned_runs", execution_timeout=timedelta(minutes=9))


enforce_scale_to_zero()
