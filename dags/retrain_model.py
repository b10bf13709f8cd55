"""Retrain the model of a domain, or of every domain on the weekly schedule.

For each domain by itself: generate a labelled history with a seed that no load test can have, let the same Flink job
that serves live traffic compute its features, archive them, train a forest on what was known by now, check it against
the promotion gates and promote it. A model that misses a gate fails `validate_model`; the promoted one goes on serving.

This is also how a fresh platform gets its first model: features need no model.
"""

from airflow.sdk import CronTriggerTimetable, dag, task, task_group

from patternalarm.contracts.pack_folder import generated_domains
from patternalarm.contracts.runs import ALL_DOMAINS, LIVE_SCOPE, TRAINING_SEEDS_FROM, RunKind
from patternalarm.dag_parts.defaults import DAG_DEFAULT_ARGS, Tag
from patternalarm.dag_parts.params import retrain_params
from patternalarm.dag_parts.steps import PLATFORM_SECRETS, RunSteps
from patternalarm.engines.job_spec import Program
from patternalarm.operators.open_run import OpenRunOperator
from patternalarm.operators.register_model import RegisterModelOperator
from patternalarm.operators.run_values import OPEN_RUN
from patternalarm.operators.train_missing_model import without_model

GROUP = "retrain"
# A day's seed, so that a retraining learns from events that no earlier model saw, and a repeated one from the same.
SEED = f"{{{{ params.seed or ({TRAINING_SEEDS_FROM} + (dag_run.run_after.timestamp() // 86400) | int) }}}}"


@dag(
    dag_id="retrain_model",
    # Without a start date, a platform that is new waits for its first Sunday instead of making up for the last one.
    schedule=CronTriggerTimetable("0 3 * * 0", timezone="UTC", run_immediately=False),
    catchup=False,
    params=retrain_params(),
    default_args=DAG_DEFAULT_ARGS,
    max_active_runs=1,
    tags=[Tag.MODELS],
    doc_md=__doc__,
)
def retrain_model() -> None:
    @task
    def choose_domains(domain: str, only_missing: str) -> list[str]:
        domains = generated_domains() if domain == ALL_DOMAINS else [domain]
        return without_model(domains) if only_missing == "True" else domains

    @task_group(group_id=GROUP)
    def retrain(domain: str) -> None:
        steps = RunSteps(GROUP)
        open_run = OpenRunOperator(task_id=OPEN_RUN, kind=RunKind.RETRAIN, pack=domain, seed=SEED)
        create_topics, start_flink = steps.create_topics(), steps.start_flink()
        publish_history = steps.process(
            "publish_history",
            Program.SERVICE,
            "generator.training_history",
            {
                "run_id": steps.run_id,
                "pack": steps.pack,
                "seed": steps.value("seed"),
                "days": "{{ params.days }}",
                "events": "{{ params.events }}",
            },
            secrets=PLATFORM_SECRETS,
        )
        drain_flink, extract_features = steps.drain_flink(), steps.extract_features()
        train_model, validate_model = steps.train_model(scope=LIVE_SCOPE), steps.validate_model()
        promote_model = RegisterModelOperator(
            task_id="promote_model", pack=steps.pack, model_dir=steps.value("model_dir"), promote=True
        )
        close_run = steps.close_run(succeeded=f"{GROUP}.promote_model")

        open_run >> create_topics >> [start_flink, publish_history] >> drain_flink
        drain_flink >> extract_features >> train_model >> validate_model >> promote_model
        # Whatever may still start something must have ended, or it would outlive the teardown.
        [start_flink, publish_history, extract_features, train_model, validate_model, promote_model] >> close_run
        close_run.as_teardown(setups=open_run, on_failure_fail_dagrun=True)
        promote_model >> steps.verdict()

    retrain.expand(domain=choose_domains("{{ params.domain }}", "{{ params.only_missing }}"))


retrain_model()
