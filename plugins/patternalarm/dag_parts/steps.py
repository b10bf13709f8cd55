"""The steps that runs are made of, each as the task that a DAG wires up.

Every step knows its run by templates of what ``open_run`` returned, so the graph shows the order of work alone.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from airflow.providers.standard.operators.empty import EmptyOperator

from patternalarm.contracts.jobs import ProcessKind, process_name
from patternalarm.operators.await_events_read import AwaitEventsReadOperator
from patternalarm.operators.await_features import AwaitFeaturesOperator
from patternalarm.operators.close_run import CloseRunOperator
from patternalarm.operators.commands import dbt, flink_submission, service, spark_job
from patternalarm.operators.create_topics import CreateTopicsOperator
from patternalarm.operators.drain_alert_writer import DrainAlertWriterOperator
from patternalarm.operators.drain_flink_job import DrainFlinkJobOperator
from patternalarm.operators.drain_scorer import DrainScorerOperator
from patternalarm.operators.run_process import RunProcessOperator
from patternalarm.operators.run_values import of_run
from patternalarm.operators.start_process import StartProcessOperator
from patternalarm.operators.submit_flink_job import JOB_ID, SubmitFlinkJobOperator
from patternalarm.operators.watch_jobs import WatchJobsOperator
from patternalarm.settings import get_settings

_START_FLINK: Final = "start_flink"

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
        self.scope = {"pack": self.value("pack"), "scope": self.run_id}
        self.feature_log = {
            "features": f"{self.value('feature_log')}/features",
            "labels": f"{self.value('feature_log')}/labels",
        }
        self.scorer = process_name(self.run_id, ProcessKind.SCORER)
        self.alert_writer = process_name(self.run_id, ProcessKind.ALERT_WRITER)
        self.generator = process_name(self.run_id, ProcessKind.GENERATOR)
        map_index = ", map_indexes=ti.map_index" if group else ""
        prefix = f"{group}." if group else ""
        self.flink_job_id = f"{{{{ ti.xcom_pull('{prefix}{_START_FLINK}', key='{JOB_ID}'{map_index}) }}}}"

    def value(self, key: str) -> str:
        """Template of one of the run's ``RunValues``."""
        return of_run(key, self.group)

    def process(self, task_id: str, command: Sequence[str], accepted: Sequence[int] = (0,)) -> RunProcessOperator:
        """A process of the run that runs to its end; ``accepted`` are its exit codes that are a success."""
        name = f"{self.run_id}.{task_id.replace('_', '-')}"
        return RunProcessOperator(task_id=task_id, name=name, command=command, accepted=accepted)

    def create_topics(self) -> CreateTopicsOperator:
        """Create the run's own topics."""
        return CreateTopicsOperator(task_id="create_topics", domain=self.domain, scope=self.run_id)

    def start_flink(self) -> SubmitFlinkJobOperator:
        """Start the run's Flink job."""
        command = flink_submission("detect_patterns.py", **self.scope)
        return SubmitFlinkJobOperator(task_id=_START_FLINK, command=command, slots=get_settings().flink_parallelism)

    def start_scorer(self) -> StartProcessOperator:
        """Start the run's scorer, in the mode that the DAG's parameter asks for."""
        return StartProcessOperator(
            task_id="start_scorer",
            name=self.scorer,
            ready_file=f"{self.value('run_dir')}/scorer.ready",
            command=spark_job(
                "score_features.py",
                **self.scope,
                model=self.value("model_dir"),
                score_from_ms=self.value("score_from_ms"),
                mode="{{ params.scorer_mode }}",
                checkpoint=f"{self.value('run_dir')}/scorer-checkpoint",
            ),
        )

    def start_alert_writer(self) -> StartProcessOperator:
        """Start the run's alert writer."""
        return StartProcessOperator(
            task_id="start_alert_writer",
            name=self.alert_writer,
            ready_file=f"{self.value('run_dir')}/alert-writer.ready",
            command=service("alerts.writer", **self.scope, model=self.value("model_dir")),
        )

    def watch_jobs(self, shards: str, seconds: str) -> WatchJobsOperator:
        """Watch the run's jobs while its generators run, for ``seconds`` at most."""
        return WatchJobsOperator(
            task_id="watch_jobs",
            job_id=self.flink_job_id,
            jobs=[self.scorer, self.alert_writer],
            generators=self.generator,
            shards=shards,
            seconds=seconds,
        )

    def await_history(self) -> AwaitEventsReadOperator:
        """Wait until the Flink job has read all events so far: measured events must not queue behind history."""
        return AwaitEventsReadOperator(
            task_id="await_history", job_id=self.flink_job_id, domain=self.domain, scope=self.run_id
        )

    def await_features(self) -> AwaitFeaturesOperator:
        """Wait until all events so far have their features."""
        return AwaitFeaturesOperator(
            task_id="await_features", job_id=self.flink_job_id, domain=self.domain, scope=self.run_id
        )

    def extract_features(self) -> RunProcessOperator:
        """Archive the run's features and labels."""
        return self.process("extract_features", spark_job("extract_features.py", **self.scope, **self.feature_log))

    def train_model(self, scope: str, **split: str) -> RunProcessOperator:
        """Train a model of ``scope`` on the archive."""
        return self.process(
            "train_model",
            spark_job(
                "train_model.py",
                pack=self.scope["pack"],
                scope=scope,
                **self.feature_log,
                as_of=self.value("opened_at"),
                version=self.value("new_version"),
                output=self.value("model_dir"),
                seed=self.value("seed"),
                **split,
            ),
        )

    def validate_model(self, accepted: Sequence[int] = (0,)) -> RunProcessOperator:
        """Check the trained model against the promotion gates."""
        options = {"pack": self.scope["pack"], "model": self.value("model_dir"), **self.feature_log}
        return self.process("validate_model", spark_job("validate_model.py", **options), accepted)

    def drain_flink(self) -> DrainFlinkJobOperator:
        """Let the Flink job finish what is in its topic, and end it."""
        return DrainFlinkJobOperator(
            task_id="drain_flink",
            job_id=self.flink_job_id,
            domain=self.domain,
            scope=self.run_id,
            savepoints=f"{self.value('run_dir')}/savepoints",
        )

    def drain_scorer(self) -> DrainScorerOperator:
        """Let the scorer finish, and stop it."""
        return DrainScorerOperator(
            task_id="drain_scorer",
            name=self.scorer,
            domain=self.domain,
            scope=self.run_id,
            score_from_ms=self.value("score_from_ms"),
        )

    def drain_alert_writer(self) -> DrainAlertWriterOperator:
        """Let the alert writer finish, and stop it."""
        return DrainAlertWriterOperator(
            task_id="drain_alert_writer", name=self.alert_writer, domain=self.domain, scope=self.run_id
        )

    def build_marts(self) -> RunProcessOperator:
        """Build the marts in one dbt process, beside the grading: the dashboards are no part of the verdict.

        Their data is not tested here but in ``build_alert_marts``, for its tests read all history there is.
        """
        return self.process("build_marts", dbt("run", work_dir=f"{self.value('run_dir')}/dbt"))

    def grading(self, task_id: str, module: str, accepted: Sequence[int] = (0,)) -> RunProcessOperator:
        """One of the grading commands, on this run."""
        return self.process(task_id, service(f"grading.{module}", run_id=self.run_id), accepted)

    def account(self) -> RunProcessOperator:
        """Close the ledger. One that cannot be closed (exit code 1) is measured and reported all the same; the verdict
        names it."""
        return self.grading("account", "ledger.account", accepted=(0, 1))

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
