"""Wait for the features of all events so far."""

from airflow.sdk import Context

from patternalarm.operators.awaiting_job import AwaitingJobOperator
from patternalarm.triggers.features_complete import FeaturesCompleteTrigger


class AwaitFeaturesOperator(AwaitingJobOperator):
    """Waits until every event of the scope came out of the job, which goes on running. Progress is an event out."""

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Wait for the last event."""
        self.wait_with(
            FeaturesCompleteTrigger(job_id=self.job_id, domain=self.domain, scope=self.scope, patience=self.patience)
        )
