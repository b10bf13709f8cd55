"""Start a process that stays."""

from typing import Any

from airflow.sdk import Context

from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.retrying import patience_of_settings
from patternalarm.triggers.process_ready import ProcessReadyTrigger


class StartProcessOperator(AwaitingOperator):
    """Starts a long-running job and waits until it is ready; fails at once when it ends before.

    Args:
        job: the job, which tells when it is ready.
        patience: seconds that it may take to be ready; that of the settings by default, for on a busy machine it is long.
    """

    template_fields = ("job",)

    def __init__(self, *, job: JobSpec, patience: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job.to_json()
        self.patience = patience_of_settings() if patience is None else patience

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Start the process, then wait until it is ready."""
        job = JobSpec.of(self.job)
        self.log.info("starting %s", job.describe())
        target.processes().start(job)
        self.wait_with(ProcessReadyTrigger(name=job.name, patience=self.patience))
