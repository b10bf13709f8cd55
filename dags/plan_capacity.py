"""Plan capacity: how many workers each load level needs, by rates that were held on this platform.

Puts the platform's own Kafka and Flink, with a Flink job and a scorer of the study's own, under CPU quotas, finds the highest
rate that each quota holds with a flat lag, fits the Universal Scalability Law to them and tries it on a quota that was held out.
The write-up (README.md, result.json, a plot) goes to `studies/capacity` among the platform's reports.

The domain needs a promoted model, and the platform the right to set CPU quotas (root on Linux), else the task fails and says so.
It takes about half an hour, in which every other load would be measured along with its own, and is slowed by the quotas.
"""

from datetime import timedelta

from airflow.sdk import dag

from patternalarm.dag_parts.defaults import DAG_DEFAULT_ARGS, START_DATE, Tag
from patternalarm.dag_parts.params import plan_capacity_params
from patternalarm.dag_parts.steps import PLATFORM_SECRETS
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.operators.run_process import RunProcessOperator


@dag(
    dag_id="plan_capacity",
    schedule=None,
    start_date=START_DATE,
    params=plan_capacity_params(),
    default_args=DAG_DEFAULT_ARGS,
    max_active_runs=1,
    tags=[Tag.OPERATION],
    doc_md=__doc__,
)
def plan_capacity() -> None:
    job = JobSpec(
        "plan_capacity.measure",
        Program.SERVICE,
        "studies.capacity",
        {
            "domain": "{{ params.domain }}",
            "seconds": "{{ params.seconds }}",
            "tries": "{{ params.tries }}",
        },
        flags=("--among-reports",),
        secrets=(*PLATFORM_SECRETS, "supervisor_password"),
    )
    RunProcessOperator(task_id="measure", job=job, execution_timeout=timedelta(hours=2))


plan_capacity()
