"""Wait until every event of a topic has its features."""

from typing import Any

from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.hooks import targets
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.triggers.polling import Done, Failed, PollingTrigger


class FeaturesCompleteTrigger(PollingTrigger):
    """Done when every event so far came out of the Flink job, with features or as a dead letter; the job goes on.

    Args:
        job_id: the Flink job.
        domain: the domain.
        scope: the scope, to whose events topic nobody writes for now.
    """

    def __init__(
        self, *, job_id: str, domain: str, scope: str, interval: float = 1.0, patience: float | None = None
    ) -> None:
        super().__init__(interval=interval, patience=patience)
        self.job_id = job_id
        self.domain = domain
        self.scope = scope
        self._kafka = KafkaTopicsHook()
        self._waiting = -1

    def look(self) -> Done | Failed | None:
        """Ask Flink and Kafka once."""
        flink = targets.flink()
        job = flink.job(self.job_id)
        if job.ended:
            return Failed(f"Flink job {job.name} is {job.state}: {flink.failure(self.job_id)}")
        events, features, dead_letters = (
            self._kafka.records(topic_name(kind, self.domain, self.scope))
            for kind in (TopicKind.EVENTS, TopicKind.FEATURES, TopicKind.DEAD_LETTERS)
        )
        self._waiting = events - features - dead_letters
        return Done() if self._waiting <= 0 else None

    def progress(self) -> Any:
        """Events that have not come out."""
        return self._waiting

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        return f"{self._waiting} events have neither features nor a dead letter"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"job_id": self.job_id, "domain": self.domain, "scope": self.scope}
