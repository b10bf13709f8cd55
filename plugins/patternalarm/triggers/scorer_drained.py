"""Wait until every event is scored, then stop the scorer."""

from typing import Any

from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.hooks.scoring_progress import ScoringProgress
from patternalarm.triggers.process_drained import ProcessDrainedTrigger


class ScorerDrainedTrigger(ProcessDrainedTrigger):
    """Done when the last event of every features partition has its score and the scorer was stopped.

    Args:
        name: the scorer's name.
        domain: the domain.
        scope: the scope, whose features topic nobody writes to any more.
        score_from_ms: events older than this (epoch milliseconds) are owed no score.
    """

    def __init__(
        self,
        *,
        name: str,
        domain: str,
        scope: str,
        score_from_ms: int | str,
        interval: float = 0.5,
        patience: float | None = 120,
    ) -> None:
        super().__init__(name=name, interval=interval, patience=patience)
        self.domain = domain
        self.scope = scope
        self.score_from_ms = int(score_from_ms)
        self._kafka = KafkaTopicsHook()
        self._progress: ScoringProgress | None = None
        self._scores = 0

    def behind(self) -> int:
        """Partitions of the features topic whose last event is not scored."""
        if self._progress is None:
            self._progress = ScoringProgress(self.domain, self.scope, self.score_from_ms)
        missing = self._progress.missing()
        self._scores = self._kafka.records(topic_name(TopicKind.SCORES, self.domain, self.scope))
        return missing

    def progress(self) -> Any:
        """Scores written so far."""
        return self._scores

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        return f"{self._behind} partitions of features are not scored to their end; {self._scores} scores are written"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"name": self.name, "domain": self.domain, "scope": self.scope, "score_from_ms": self.score_from_ms}

    async def cleanup(self) -> None:
        """Leave Kafka."""
        if self._progress:
            self._progress.close()
