"""Wait until a Flink job has read all that its topic holds."""

from typing import Any

from patternalarm.hooks import targets
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.triggers.polling import Done, Failed, PollingTrigger
from patternalarm.triggers.unread_events import UnreadEvents


class FlinkCaughtUpTrigger(PollingTrigger):
    """Done when the job has read its topic to the end; the job goes on.

    What it read last may still be inside: features of shared keys wait for a watermark that only later events bring.

    Args:
        job_id: the Flink job.
        topic: the events topic, which nobody writes to for now.
    """

    def __init__(self, *, job_id: str, topic: str, interval: float = 0.5, patience: float | None = None) -> None:
        super().__init__(interval=interval, patience=patience)
        self.job_id = job_id
        self.topic = topic
        self._flink = targets.flink()
        self._events = UnreadEvents(self._flink, KafkaTopicsHook(), job_id, topic)
        self._unread = -1

    def look(self) -> Done | Failed | None:
        """Ask Flink and Kafka once."""
        job = self._flink.job(self.job_id)
        if job.ended:
            return Failed(f"Flink job {job.name} is {job.state}: {self._flink.failure(self.job_id)}")
        self._unread = self._events.count()
        return Done() if self._unread == 0 else None

    def progress(self) -> Any:
        """Records left to read."""
        return self._unread

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        return f"{self._unread} records of {self.topic} are unread"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"job_id": self.job_id, "topic": self.topic}
