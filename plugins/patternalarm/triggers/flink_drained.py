"""Drain a Flink job: everything read, everything emitted, finished."""

from typing import Any

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.engines import target
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.triggers.flink_job import job_at_work
from patternalarm.triggers.polling import Done, Failed, PollingTrigger
from patternalarm.triggers.unread_events import UnreadEvents


class FlinkDrainedTrigger(PollingTrigger):
    """Done when the job has read its topic to the end, was stopped with drain and finished.

    Draining sends the last watermark through the job, which flushes the patterns that still wait for later events; so
    the topic must be complete before, and the job can never be resumed.

    Args:
        domain: the job's domain.
        scope: the job's scope, to whose events topic nobody writes any more.
        savepoints: directory of the savepoint that a stop takes.
    """

    def __init__(
        self, *, domain: str, scope: str, savepoints: str, interval: float = 0.5, patience: float | None = None
    ) -> None:
        super().__init__(interval=interval, patience=patience)
        self.domain = domain
        self.scope = scope
        self.savepoints = savepoints
        self._job = flink_job_name(domain, scope)
        self._topic = topic_name(TopicKind.EVENTS, domain, scope)
        self._flink = target.flink()
        self._events = UnreadEvents(self._flink, KafkaTopicsHook(), self._topic)
        self._stop_request: str | None = None
        self._unread = -1

    def look(self) -> Done | Failed | None:
        """Ask Flink and Kafka once; stop the job when nothing is left to read."""
        job = job_at_work(self._flink, self._job, or_finished=True)
        if isinstance(job, Failed):
            return job
        if job.state == "FINISHED":
            return Done()
        if self._stop_request:
            refused = self._flink.stop_failure(job.job_id, self._stop_request)
            if refused:
                self.log.warning("the stop failed and is asked for again: %s", refused)
                self._stop_request = None
            return None
        self._unread = self._events.count(job.job_id)
        if self._unread == 0 and job.state == "RUNNING":
            self._stop_request = self._flink.stop_with_drain(job.job_id, self.savepoints)
        return None

    def progress(self) -> Any:
        """Records left to read, or the stop."""
        return self._unread, self._stop_request

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        if self._stop_request:
            return "Flink has not finished the drain"
        return f"{self._unread} records of {self._topic} are unread"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"domain": self.domain, "scope": self.scope, "savepoints": self.savepoints}
