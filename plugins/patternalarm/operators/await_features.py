"""Wait for the features of all events so far."""

from typing import Any

from airflow.sdk import Context

from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.features_complete import FeaturesCompleteTrigger


class AwaitFeaturesOperator(AwaitingOperator):
    """Waits until every event of the scope came out of the Flink job, which goes on running.

    Args:
        job_id: the Flink job.
        domain: the domain.
        scope: the scope, to whose events topic nobody writes for now.
        patience: seconds without any event coming out after which waiting is a failure.
    """

    template_fields = ("job_id", "domain", "scope")

    def __init__(self, *, job_id: str, domain: str, scope: str, patience: float = 120, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.domain = domain
        self.scope = scope
        self.patience = patience

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Wait for the last event."""
        self.wait_with(
            FeaturesCompleteTrigger(job_id=self.job_id, domain=self.domain, scope=self.scope, patience=self.patience)
        )
