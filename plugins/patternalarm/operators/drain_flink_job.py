"""Drain a Flink job."""

from typing import Any

from airflow.sdk import Context

from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.operators.awaiting_job import AwaitingJobOperator
from patternalarm.triggers.flink_drained import FlinkDrainedTrigger


class DrainFlinkJobOperator(AwaitingJobOperator):
    """Waits until the job has read its whole topic, stops it with drain and waits until it finished.

    Progress is a record read; nobody may write to the events topic any more.

    Args:
        savepoints: directory of the savepoint that a stop takes; it cannot be resumed.
    """

    template_fields = (*AwaitingJobOperator.template_fields, "savepoints")

    def __init__(self, *, savepoints: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.savepoints = savepoints

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
