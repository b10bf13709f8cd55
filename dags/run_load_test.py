"""Run a load test: a graded experiment of the whole path, from generated events to a verdict.

A domain without a model that fits gets one first, from `retrain_model`; otherwise that task is skipped.

Opens a run (nothing is started before everything is checked), creates its own topics, starts its Flink job, scorer and
alert writer (and, beside them, what keeps profiles of the actors), publishes the actors' history and waits until Flink has
read it. Then the generators play fraud and look-alikes for the minutes asked, while `watch_jobs` fails the run at once if a
job dies for good. Afterwards every stage is drained in the order of the data, the ledger is closed, and detection, delays
and rates are measured, reported and graded against the thresholds.
The teardown stops and drops whatever belongs to the run, also after a failure.

The run's verdict is that of `grade`. It and the teardown must both succeed for the run to count as passed.
"""

from airflow.sdk import TriggerRule, dag

from patternalarm.contracts.runs import RunKind
from patternalarm.dag_parts.defaults import DAG_DEFAULT_ARGS, START_DATE, Tag
from patternalarm.dag_parts.params import begin_load_test, load_test_params
from patternalarm.dag_parts.steps import PLATFORM_SECRETS, RunSteps
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.operators.open_run import OpenRunOperator
from patternalarm.operators.plan_shards import Phase, PlanShardsOperator
from patternalarm.operators.run_process import RunProcessOperator
from patternalarm.operators.run_values import OPEN_RUN
from patternalarm.operators.train_missing_model import TrainMissingModelOperator
from patternalarm.settings import get_settings

SHARDS, MINUTES = "{{ params.shards }}", "{{ params.minutes }}"
# Late generators catch up, also after an engine was away for as long as they are patient; beyond this one hangs.
GENERATION_SECONDS = f"{{{{ params.minutes * 60 + {300 + round(get_settings().patience_seconds)} }}}}"


@dag(
    dag_id="run_load_test",
    schedule=None,
    start_date=START_DATE,
    params=load_test_params(),
    default_args=DAG_DEFAULT_ARGS,
    max_active_runs=4,
    tags=[Tag.DETECTION],
    doc_md=__doc__,
)
def run_load_test() -> None:
    steps = RunSteps()
    planned = {"run_id": steps.run_id, "opened_at": steps.value("opened_at"), "minutes": MINUTES, "shards": SHARDS}

    def generator(kind: str) -> JobSpec:
        options = {
            "run_id": steps.run_id,
            "pack": steps.pack,
            "seed": steps.value("seed"),
            "events_per_minute": steps.value("events_per_minute"),
        }
        name = f"{steps.generator}{kind}-{{{{ ti.map_index }}}}"
        return JobSpec(name, Program.SERVICE, "generator.shard", options, secrets=PLATFORM_SECRETS)

    train_missing_model = TrainMissingModelOperator(
        task_id="train_missing_model",
        pre_execute=begin_load_test,
        domain="{{ params.domain }}",
        dag_id="retrain_model",
    )
    open_run = OpenRunOperator(
        task_id=OPEN_RUN,
        trigger_rule=TriggerRule.NONE_FAILED,
        kind=RunKind.LOAD_TEST,
        pack="{{ params.domain }}",
        level="{{ params.level }}",
        events_per_minute="{{ params.events_per_minute or '' }}",
        minutes=MINUTES,
        seed="{{ params.seed }}",
    )
    create_topics = steps.create_topics()
    plan_history = PlanShardsOperator(task_id="plan_history", phase=Phase.HISTORY, **planned)
    publish_history = RunProcessOperator.partial(
        task_id="publish_history", job=generator("-history"), remove=False
    ).expand(options=plan_history.output)
    start_flink, start_scorer, start_alert_writer = (
        steps.start_flink(),
        steps.start_scorer(),
        steps.start_alert_writer(),
    )
    start_online_store = steps.start_online_store()
    plan_measurement = PlanShardsOperator(task_id="plan_measurement", phase=Phase.MEASURED, **planned)
    generate = RunProcessOperator.partial(task_id="generate", job=generator(""), remove=False).expand(
        options=plan_measurement.output
    )
    watch_jobs = steps.watch_jobs(SHARDS, GENERATION_SECONDS)
    drain_flink, drain_scorer, drain_alert_writer = (
        steps.drain_flink(),
        steps.drain_scorer(),
        steps.drain_alert_writer(),
    )
    account, measure = steps.account(), steps.grading("measure", "figures.measure")
    report, grade = steps.grading("report", "report.report"), steps.grading("grade", "verdict.verdict")
    build_marts = steps.build_marts()
    close_run = steps.close_run(keep_topics="{{ params.keep_topics }}")

    await_history = steps.await_history()
    jobs = [start_flink, start_scorer, start_alert_writer]
    train_missing_model >> open_run >> [create_topics, plan_history]
    create_topics >> [*jobs, publish_history]
    # Beside detection: profiles that could not be kept are told, and decide nothing.
    create_topics >> start_online_store >> close_run
    [start_flink, publish_history] >> await_history
    [*jobs, await_history] >> plan_measurement >> watch_jobs
    [generate, watch_jobs] >> drain_flink >> drain_scorer >> drain_alert_writer
    drain_alert_writer >> account >> measure >> report >> grade
    # Beside the grading: a dashboard that could not be built is told, and decides nothing.
    drain_alert_writer >> build_marts
    # Whatever may still start something must have ended, or it would outlive the teardown.
    [*jobs, publish_history, generate, watch_jobs, build_marts, account, measure, report, grade] >> close_run
    close_run.as_teardown(setups=open_run, on_failure_fail_dagrun=True)
    grade >> steps.verdict()


run_load_test()
