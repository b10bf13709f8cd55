"""Wait until a Flink job has read all events so far."""

from airflow.sdk import Context

from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.operators.awaiting_job import AwaitingJobOperator
from patternalarm.triggers.flink_caught_up import FlinkCaughtUpTrigger


class AwaitEventsReadOperator(AwaitingJobOperator):
    """Waits until the job has read its events topic to the end; the job goes on. Progress is a record read."""

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Wait for the last record."""
        topic = topic_name(TopicKind.EVENTS, self.domain, self.scope)
        self.wait_with(FlinkCaughtUpTrigger(job_id=self.job_id, topic=topic, patience=self.patience))
