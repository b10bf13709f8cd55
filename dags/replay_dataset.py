"""Replay a file of events through the whole path, graded.

The domain pack maps the file's columns to events and splits it by time: the first part is published and featurised, a
forest of this run alone is trained on it, then the rest is published and every event from the pack's `test_from` on is
scored, alerted and graded. Nothing knows that the events come from a file, and its label column reaches the label
channel only.

The run's verdict is that of `grade`. It and the teardown must both succeed for the run to count as passed.
"""

from datetime import timedelta

from airflow.sdk import dag

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.jobs import CHECK_FILE
from patternalarm.contracts.runs import RunKind
from patternalarm.dag_parts.defaults import DAG_DEFAULT_ARGS, START_DATE, Tag
from patternalarm.dag_parts.params import replay_params
from patternalarm.dag_parts.steps import PLATFORM_SECRETS, RunSteps
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.operators.open_run import OpenRunOperator
from patternalarm.operators.register_model import RegisterModelOperator
from patternalarm.operators.run_process import RunProcessOperator
from patternalarm.operators.run_values import OPEN_RUN

FILE, PACK = "{{ params.file }}", "{{ params.pack }}"


@dag(
    dag_id="replay_dataset",
    schedule=None,
    start_date=START_DATE,
    params=replay_params(),
    default_args=DAG_DEFAULT_ARGS,
    max_active_runs=2,
    tags=[Tag.DETECTION, Tag.MODELS],
    doc_md=__doc__,
)
def replay_dataset() -> None:
    steps = RunSteps()

    def publish(part: str) -> RunProcessOperator:
        options = {"run_id": steps.run_id, "pack": steps.pack, "file": FILE, "part": part}
        return steps.process(f"publish_{part}", Program.SERVICE, "generator.replay", options, secrets=PLATFORM_SECRETS)

    checked = {"pack": PACK, "file": FILE}
    check_file = RunProcessOperator(
        task_id="check_file",
        job=JobSpec(f"{CHECK_FILE}.{{{{ ti.id }}}}", Program.SERVICE, "generator.replay", checked, flags=("--check",)),
        execution_timeout=timedelta(minutes=10),
    )
    open_run = OpenRunOperator(task_id=OPEN_RUN, kind=RunKind.REPLAY, pack=PACK, seed="{{ params.seed }}")
    create_topics, start_flink, publish_train = steps.create_topics(), steps.start_flink(), publish("train")
    await_features, extract_features = steps.await_features(), steps.extract_features()
    train_model = steps.train_model(
        scope=steps.run_id, train_until=steps.value("train_until"), test_from=steps.value("test_from")
    )
    # Too few frauds of a type, or a weak forest, show in the grade; a replay is for finding out.
    validate_model = steps.validate_model(accepted=(0, ExitCode.NOT_PROMOTABLE))
    register_model = RegisterModelOperator(
        task_id="register_model", pack=steps.pack, model_dir=steps.value("model_dir"), promote=False
    )
    start_scorer, start_alert_writer = steps.start_scorer(), steps.start_alert_writer()
    start_online_store = steps.start_online_store()
    publish_test, drain_flink = publish("test"), steps.drain_flink()
    drain_scorer, drain_alert_writer = steps.drain_scorer(), steps.drain_alert_writer()
    account, measure = steps.account(), steps.grading("measure", "figures.measure")
    report, grade = steps.grading("report", "report.report"), steps.grading("grade", "verdict.verdict")
    build_marts = steps.build_marts()
    close_run = steps.close_run(keep_topics="{{ params.keep_topics }}")

    check_file >> open_run >> create_topics >> [start_flink, publish_train] >> await_features >> extract_features
    extract_features >> train_model >> [validate_model, register_model]
    # Beside detection: profiles that could not be kept are told, and decide nothing.
    create_topics >> start_online_store >> close_run
    register_model >> [start_scorer, start_alert_writer] >> publish_test
    publish_test >> drain_flink >> drain_scorer >> drain_alert_writer
    drain_alert_writer >> account >> measure >> report >> grade
    # Beside the grading: a dashboard that could not be built is told, and decides nothing.
    drain_alert_writer >> build_marts
    validate_model >> grade
    # Whatever may still start something must have ended, or it would outlive the teardown.
    [start_flink, publish_train, extract_features, train_model, validate_model] >> close_run
    [start_scorer, start_alert_writer, publish_test, build_marts, account, measure, report, grade] >> close_run
    close_run.as_teardown(setups=open_run, on_failure_fail_dagrun=True)
    grade >> steps.verdict()


replay_dataset()
