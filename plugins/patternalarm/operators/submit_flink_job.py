"""Submit a Flink job."""

from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.retrying import patience_of_settings, retrying
from patternalarm.triggers.flink_running import FlinkRunningTrigger


class _NoSlotsError(AirflowFailException):  # type: ignore[misc]
    """Flink has too few free task slots."""


class SubmitFlinkJobOperator(AwaitingOperator):
    """Submits the Flink job of a scope and waits until all of it runs.

    Args:
        job: the submission, a job like any other, which ends once the cluster has the Flink job; it is told where the
            scope's checkpoints belong.
        domain: the domain.
        scope: the scope.
        slots: task slots that the Flink job needs; without them it would wait for ever.
        patience: seconds that the submission may take, and that the Flink job may take to run after it; that of the
            settings by default, for on a busy machine both are long.
    """

    template_fields = ("job", "domain", "scope")

    def __init__(
        self, *, job: JobSpec, domain: str, scope: str, slots: int, patience: float | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.job = job.to_json()
        self.domain = domain
        self.scope = scope
        self.slots = slots
        self.patience = patience_of_settings() if patience is None else patience

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Submit the job, then wait until it runs.

        Raises:
            AirflowFailException: no free slots as long as patience lasts.
            FlinkError, ProcessesError: Flink cannot be reached, or the submission cannot be started.
        """
        # A TaskManager that is restarted has none for a while.
        retrying("find free task slots", passes=lambda error: isinstance(error, _NoSlotsError))(self._check_slots)
        job = JobSpec.of(self.job).with_options({"checkpoints": target.files().checkpoints(self.scope)})
        self.log.info("submitting %s", job.describe())
        target.processes().start(job)
        self.wait_with(
            FlinkRunningTrigger(submission=job.name, domain=self.domain, scope=self.scope, patience=self.patience)
        )

    def _check_slots(self) -> None:
        free = target.flink().free_slots()
        if free < self.slots:
            raise _NoSlotsError(
                f"Flink has {free} free task slots, the job needs {self.slots}: wait until another run ends, "
                "or see `make status` for a TaskManager that is down"
            )
