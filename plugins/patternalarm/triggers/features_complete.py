"""Wait until every event of a topic has its features."""

from typing import Any

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.engines import target
from patternalarm.hooks.features_progress import FeaturesProgress
from patternalarm.triggers.flink_job import job_at_work
from patternalarm.triggers.polling import Done, Failed, PollingTrigger


class FeaturesCompleteTrigger(PollingTrigger):
    """Done when every event so far came out of the Flink job, with features or as a dead letter; the job goes on.

    Args:
        domain: the domain.
        scope: the scope, to whose events topic nobody writes for now.
    """

    def __init__(self, *, domain: str, scope: str, interval: float = 1.0, patience: float | None = None) -> None:
        super().__init__(interval=interval, patience=patience)
        self.domain = domain
        self.scope = scope
        self._features: FeaturesProgress | None = None
        self._waiting: int | None = None

    def look(self) -> Done | Failed | None:
        """Ask Flink and Kafka once."""
        job = job_at_work(target.flink(), flink_job_name(self.domain, self.scope))
        if isinstance(job, Failed):
            return job
        if self._features is None:
            self._features = FeaturesProgress(self.domain, self.scope)
        self._waiting = self._features.waiting()
        return Done() if self._waiting == 0 else None

    def progress(self) -> Any:
        """Events that are known of, and those that have come out."""
        return self._features.seen if self._features else (0, 0)

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        if self._waiting is None:
            return "not all of the topics of events, features and dead letters could be read"
        return f"{self._waiting} events have neither features nor a dead letter"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"domain": self.domain, "scope": self.scope}

    async def cleanup(self) -> None:
        """Leave Kafka."""
        if self._features:
            self._features.close()
