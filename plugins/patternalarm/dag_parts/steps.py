"""The steps that runs are made of, each as the task that a DAG wires up.

Every step knows its run by templates of what ``open_run`` returned, so the graph shows the order of work alone.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from airflow.providers.standard.operators.empty import EmptyOperator

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.jobs import ProcessKind, process_name
from patternalarm.engines.job_spec import JobSpec, Program, Size
from patternalarm.operators.await_trigger import AwaitOperator
from patternalarm.operators.close_run import CloseRunOperator
from patternalarm.operators.create_topics import CreateTopicsOperator
from patternalarm.operators.run_process import RunProcessOperator
from patternalarm.operators.run_values import of_run
from patternalarm.operators.start_process import StartProcessOperator
from patternalarm.operators.submit_flink_job import SubmitFlinkJobOperator
from patternalarm.operators.watch_jobs import WatchJobsOperator
from patternalarm.settings import get_settings
from patternalarm.triggers.alert_writer_drained import AlertWriterDrainedTrigger
from patternalarm.triggers.features_complete import FeaturesCompleteTrigger
from patternalarm.triggers.flink_caught_up import FlinkCaughtUpTrigger
from patternalarm.triggers.flink_drained import FlinkDrainedTrigger
from patternalarm.triggers.polling import PollingTrigger
from patternalarm.triggers.scorer_drained import ScorerDrainedTrigger

PLATFORM_SECRETS: Final = ("platform_password",)

# Beyond these, `enforce_scale_to_zero` closes it.
_CLOSING_RETRIES: Final = 3
_CLOSING_RETRY_DELAY: Final = timedelta(seconds=30)
_CLOSING_TIMEOUT: Final = timedelta(minutes=10)


class RunSteps:
    """Makes the tasks of one run.

    Args:
        group: the mapped task group that the run belongs to; empty for a run that is the whole DAG run.
    """

    def __init__(self, group: str = "") -> None:
        self.group = group
        self.run_id = self.value("run_id")
        self.domain = self.value("domain")
        self.pack = self.value("pack")
        self.scope = {"pack": self.pack, "scope": self.run_id}
        self.feature_log = {
            "features": f"{self.value('feature_log')}/features",
            "labels": f"{self.value('feature_log')}/labels",
        }
        self.scorer = process_name(self.run_id, ProcessKind.SCORER)
        self.alert_writer = process_name(self.run_id, ProcessKind.ALERT_WRITER)
        self.online_store = process_name(self.run_id, ProcessKind.ONLINE_STORE)
        self.generator = process_name(self.run_id, ProcessKind.GENERATOR)

    def value(self, key: str) -> str:
        """Template of one of the run's ``RunValues``."""
        return of_run(key, self.group)

    def job(self, task_id: str, program: Program, module: str, options: Mapping[str, str], **more: Any) -> JobSpec:
        """A job of the run, named after its task; ``more`` are the other parts of its spec."""
        return JobSpec(f"{self.run_id}.{task_id.replace('_', '-')}", program, module, options, **more)

    def process(
        self,
        task_id: str,
        program: Program,
        module: str,
        options: Mapping[str, str],
        accepted: Sequence[int] = (0,),
        **more: Any,
    ) -> RunProcessOperator:
        """A job of the run that runs to its end; ``accepted`` are its exit codes that are a success."""
        job = self.job(task_id, program, module, options, **more)
        return RunProcessOperator(task_id=task_id, job=job, accepted=accepted, remove=False)

    def awaiting(
        self, task_id: str, trigger: type[PollingTrigger], patience: float = 180, **arguments: str
    ) -> AwaitOperator:
        """A wait for something of the run; ``arguments`` are the trigger's own."""
        scope = {"domain": self.domain, "scope": self.run_id}
        return AwaitOperator(task_id=task_id, trigger=trigger, arguments={**scope, **arguments}, patience=patience)

    def create_topics(self) -> CreateTopicsOperator:
        """Create the run's own topics."""
        return CreateTopicsOperator(task_id="create_topics", domain=self.domain, scope=self.run_id)

    def start_flink(self) -> SubmitFlinkJobOperator:
        """Start the run's Flink job."""
        return SubmitFlinkJobOperator(
            task_id="start_flink",
            job=self.job("start_flink", Program.FLINK, "detect_patterns", self.scope, size=Size.LARGE),
            domain=self.domain,
            scope=self.run_id,
            slots=get_settings().flink_parallelism,
        )

    def start_scorer(self) -> StartProcessOperator:
        """Start the run's scorer, in the mode that the DAG's parameter asks for."""
        return StartProcessOperator(
            task_id="start_scorer",
            job=JobSpec(
                self.scorer,
                Program.SPARK,
                "score_features",
                {
                    **self.scope,
                    "model": self.value("model_dir"),
                    "score_from_ms": self.value("score_from_ms"),
                    "mode": "{{ params.scorer_mode }}",
                    "checkpoint": f"{self.value('run_dir')}/scorer-checkpoint",
                },
                restarts=True,
                tells_ready=True,
                size=Size.LARGE,
            ),
        )

    def start_alert_writer(self) -> StartProcessOperator:
        """Start the run's alert writer."""
        return StartProcessOperator(
            task_id="start_alert_writer",
            job=JobSpec(
                self.alert_writer,
                Program.SERVICE,
                "alerts.writer",
                {**self.scope, "model": self.value("model_dir")},
                restarts=True,
                tells_ready=True,
                secrets=("scorer_password",),
            ),
        )

    def start_online_store(self) -> StartProcessOperator:
        """Start what keeps the run's profiles, beside detection: nothing but the teardown may follow it.

        Whether Redis is there decides nothing about the run. Its profiles are whole soon after the last score, long before the
        run is graded; the teardown ends their process, and they stay until they expire.
        """
        return StartProcessOperator(
            task_id="start_online_store",
            job=JobSpec(
                self.online_store,
                Program.SERVICE,
                "online_store.writer",
                self.scope,
                restarts=True,
                tells_ready=True,
                secrets=("redis_password",),
            ),
            patience=get_settings().first_answer_seconds,
        )

    def watch_jobs(self, shards: str, seconds: str) -> WatchJobsOperator:
        """Watch the run's jobs while its generators run, for ``seconds`` at most; not the online store, which none needs."""
        return WatchJobsOperator(
            task_id="watch_jobs",
            domain=self.domain,
            scope=self.run_id,
            jobs=[self.scorer, self.alert_writer],
            generators=self.generator,
            shards=shards,
            seconds=seconds,
            watcher=JobSpec(
                process_name(self.run_id, ProcessKind.WATCHER),
                Program.SERVICE,
                "watching.watcher",
                {"run_id": self.run_id, "domain": self.domain},
                restarts=True,
                secrets=(*PLATFORM_SECRETS, "supervisor_password"),
            ),
        )

    def await_history(self) -> AwaitOperator:
        """Wait until the Flink job has read all events so far: measured events must not queue behind history."""
        return self.awaiting("await_history", FlinkCaughtUpTrigger)

    def await_features(self) -> AwaitOperator:
        """Wait until all events so far have their features."""
        return self.awaiting("await_features", FeaturesCompleteTrigger)

    def extract_features(self) -> RunProcessOperator:
        """Archive the run's features and labels."""
        options = {**self.scope, **self.feature_log}
        return self.process("extract_features", Program.SPARK, "extract_features", options, size=Size.LARGE)

    def train_model(self, scope: str, **split: str) -> RunProcessOperator:
        """Train a model of ``scope`` on the archive."""
        options = {
            "pack": self.pack,
            "scope": scope,
            **self.feature_log,
            "as_of": self.value("opened_at"),
            "version": self.value("new_version"),
            "output": self.value("model_dir"),
            "seed": self.value("seed"),
            **split,
        }
        return self.process("train_model", Program.SPARK, "train_model", options, size=Size.LARGE)

    def validate_model(self, accepted: Sequence[int] = (0,)) -> RunProcessOperator:
        """Check the trained model against the promotion gates."""
        options = {"pack": self.pack, "model": self.value("model_dir"), **self.feature_log}
        return self.process("validate_model", Program.SPARK, "validate_model", options, accepted, size=Size.LARGE)

    def drain_flink(self) -> AwaitOperator:
        """Let the Flink job finish what is in its topic, and end it."""
        return self.awaiting("drain_flink", FlinkDrainedTrigger, savepoints=f"{self.value('run_dir')}/savepoints")

    def drain_scorer(self) -> AwaitOperator:
        """Let the scorer finish, and stop it."""
        return self.awaiting(
            "drain_scorer", ScorerDrainedTrigger, name=self.scorer, score_from_ms=self.value("score_from_ms")
        )

    def drain_alert_writer(self) -> AwaitOperator:
        """Let the alert writer finish, and stop it."""
        return self.awaiting("drain_alert_writer", AlertWriterDrainedTrigger, name=self.alert_writer)

    def build_marts(self) -> RunProcessOperator:
        """Build the marts in one dbt process, beside the grading: the dashboards are no part of the verdict.

        Their data is not tested here but in ``build_alert_marts``, for its tests read all history there is.
        """
        # Two at once in one folder read each other's half-written files.
        work_dir = f"{self.value('run_dir')}/dbt"
        options = {"target_path": f"{work_dir}/target", "log_path": f"{work_dir}/logs"}
        return self.process("build_marts", Program.DBT, "run", options, secrets=("dbt_password",))

    def grading(self, task_id: str, module: str, accepted: Sequence[int] = (0,)) -> RunProcessOperator:
        """One of the grading commands, on this run."""
        options = {"run_id": self.run_id}
        return self.process(task_id, Program.SERVICE, f"grading.{module}", options, accepted, secrets=PLATFORM_SECRETS)

    def account(self) -> RunProcessOperator:
        """Close the ledger. One that cannot be closed is measured and reported all the same; the verdict names it."""
        return self.grading("account", "ledger.account", accepted=(0, ExitCode.FAILED))

    def verdict(self) -> EmptyOperator:
        """Follows the task whose failure is the run's.

        Airflow takes a run's state from its last tasks. A teardown that may fail the run is the only last one, unless
        something follows the verdict beside it; this does, and costs no worker.
        """
        return EmptyOperator(task_id="verdict")

    def close_run(self, **options: Any) -> CloseRunOperator:
        """Stop, drop and release whatever belongs to the run. What an engine refuses is asked of it again."""
        return CloseRunOperator(
            task_id="close_run",
            run_id=self.run_id,
            retries=_CLOSING_RETRIES,
            retry_delay=_CLOSING_RETRY_DELAY,
            execution_timeout=_CLOSING_TIMEOUT,
            **options,
        )
