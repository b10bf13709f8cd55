"""Wait until a Flink job has read all that its topic holds."""

from typing import Any

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.engines import target
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.triggers.flink_job import job_at_work
from patternalarm.triggers.polling import Done, Failed, PollingTrigger
from patternalarm.triggers.unread_events import UnreadEvents


class FlinkCaughtUpTrigger(PollingTrigger):
    """Done when the job has read its topic to the end; the job goes on.

    What it read last may still be inside: features of shared keys wait for a watermark that only later events bring.

    Args:
        domain: the job's domain.
        scope: the job's scope, to whose events topic nobody writes for now.
    """

    def __init__(self, *, domain: str, scope: str, interval: float = 0.5, patience: float | None = None) -> None:
        super().__init__(interval=interval, patience=patience)
        self.domain = domain
        self.scope = scope
        self._job = flink_job_name(domain, scope)
        self._topic = topic_name(TopicKind.EVENTS, domain, scope)
        self._flink = target.flink()
        self._events = UnreadEvents(self._flink, KafkaTopicsHook(), self._topic)
        self._unread = -1

    def look(self) -> Done | Failed | None:
        """Ask Flink and Kafka once."""
        job = job_at_work(self._flink, self._job)
        if isinstance(job, Failed):
            return job
        self._unread = self._events.count(job.job_id)
        return Done() if self._unread == 0 else None

    def progress(self) -> Any:
        """Records left to read."""
        return self._unread

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        return f"{self._unread} records of {self._topic} are unread"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"domain": self.domain, "scope": self.scope}
