"""Drain a Flink job."""

from typing import Any

from airflow.sdk import Context

from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.flink_drained import FlinkDrainedTrigger


class DrainFlinkJobOperator(AwaitingOperator):
    """Waits until the job has read its whole topic, stops it with drain and waits until it finished.

    Args:
        job_id: the Flink job.
        domain: the domain.
        scope: the scope, to whose events topic nobody writes any more.
        savepoints: directory of the savepoint that a stop takes; it cannot be resumed.
        patience: seconds without any record read after which waiting is a failure.
    """

    template_fields = ("job_id", "domain", "scope", "savepoints")

    def __init__(
        self, *, job_id: str, domain: str, scope: str, savepoints: str, patience: float = 120, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.domain = domain
        self.scope = scope
        self.savepoints = savepoints
        self.patience = patience

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Wait for the drain."""
        self.wait_with(
            FlinkDrainedTrigger(
                job_id=self.job_id,
                topic=topic_name(TopicKind.EVENTS, self.domain, self.scope),
                savepoints=self.savepoints,
                patience=self.patience,
            )
        )
