"""Drain a Flink job: everything read, everything emitted, finished."""

from pathlib import Path
from typing import Any

from patternalarm.hooks import targets
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.triggers.polling import Done, Failed, PollingTrigger
from patternalarm.triggers.unread_events import UnreadEvents


class FlinkDrainedTrigger(PollingTrigger):
    """Done when the job has read its topic to the end, was stopped with drain and finished.

    Draining sends the last watermark through the job, which flushes the patterns that still wait for later events; so
    the topic must be complete before, and the job can never be resumed.

    Args:
        job_id: the Flink job.
        topic: the events topic, which nobody writes to any more.
        savepoints: directory of the savepoint that a stop takes.
    """

    def __init__(
        self, *, job_id: str, topic: str, savepoints: str, interval: float = 0.5, patience: float | None = None
    ) -> None:
        super().__init__(interval=interval, patience=patience)
        self.job_id = job_id
        self.topic = topic
        self.savepoints = savepoints
        self._flink = targets.flink()
        self._events = UnreadEvents(self._flink, KafkaTopicsHook(), job_id, topic)
        self._stop_request: str | None = None
        self._unread = -1

    def look(self) -> Done | Failed | None:
        """Ask Flink and Kafka once; stop the job when nothing is left to read."""
        job = self._flink.job(self.job_id)
        if job.state == "FINISHED":
            return Done()
        if job.ended:
            return Failed(f"Flink job {job.name} is {job.state}: {self._flink.failure(self.job_id)}")
        if self._stop_request:
            refused = self._flink.stop_failure(self.job_id, self._stop_request)
            if refused:
                self.log.warning("the stop failed and is asked for again: %s", refused)
                self._stop_request = None
            return None
        self._unread = self._events.count()
        if self._unread == 0 and job.state == "RUNNING":
            self._stop_request = self._flink.stop_with_drain(self.job_id, Path(self.savepoints))
        return None

    def progress(self) -> Any:
        """Records left to read, or the stop."""
        return self._unread, self._stop_request

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        if self._stop_request:
            return "Flink has not finished the drain"
        return f"{self._unread} records of {self.topic} are unread"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"job_id": self.job_id, "topic": self.topic, "savepoints": self.savepoints}
