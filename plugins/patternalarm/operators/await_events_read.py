"""Wait until a Flink job has read all events so far."""

from typing import Any

from airflow.sdk import Context

from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.flink_caught_up import FlinkCaughtUpTrigger


class AwaitEventsReadOperator(AwaitingOperator):
    """Waits until the job has read its events topic to the end; the job goes on.

    Args:
        job_id: the Flink job.
        domain: the domain.
        scope: the scope, to whose events topic nobody writes for now.
        patience: seconds without any record read after which waiting is a failure.
    """

    template_fields = ("job_id", "domain", "scope")

    def __init__(self, *, job_id: str, domain: str, scope: str, patience: float = 120, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.domain = domain
        self.scope = scope
        self.patience = patience

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Wait for the last record."""
        topic = topic_name(TopicKind.EVENTS, self.domain, self.scope)
        self.wait_with(FlinkCaughtUpTrigger(job_id=self.job_id, topic=topic, patience=self.patience))
