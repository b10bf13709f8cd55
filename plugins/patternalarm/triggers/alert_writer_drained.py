"""Wait until every finding is an alert, then stop the alert writer."""

from typing import Any

from patternalarm.contracts.tables import CONSUMER_OFFSET
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.hooks.committed_records import Backlog
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.triggers.process_drained import ProcessDrainedTrigger


class AlertWriterDrainedTrigger(ProcessDrainedTrigger):
    """Done when the writer committed past the end of evidence and pattern hits and was stopped.

    Args:
        name: the writer's name.
        domain: the domain.
        scope: the scope, whose evidence and pattern hits nobody writes to any more.
    """

    def __init__(
        self, *, name: str, domain: str, scope: str, interval: float = 0.5, patience: float | None = 60
    ) -> None:
        super().__init__(name=name, interval=interval, patience=patience)
        self.domain = domain
        self.scope = scope
        self._kafka = KafkaTopicsHook()
        self._backlog = Backlog()

    def behind(self) -> int:
        """Records of evidence and pattern hits that no committed transaction covers."""
        topics = [topic_name(kind, self.domain, self.scope) for kind in (TopicKind.EVIDENCE, TopicKind.PATTERN_HITS)]
        with PlatformDatabaseHook().connect() as connection:
            rows = connection.execute(
                f"SELECT topic, partition, next_offset FROM {CONSUMER_OFFSET} WHERE topic = ANY(%s)",
                (topics,),
            ).fetchall()
        done = {(topic, partition): next_offset for topic, partition, next_offset in rows}
        return self._backlog.left(self._kafka.offsets(topics), done)

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        return f"{self._behind} findings are not in alerts"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"name": self.name, "domain": self.domain, "scope": self.scope}
