"""Kafka topics: names, partitions, retention, clock.

A live topic is ``<kind>.<domain>``; an isolated run owns ``<kind>.<domain>.<run_id>``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from patternalarm.contracts.runs import LIVE_SCOPE, check_run_id

DAY_MS: Final = 86_400_000


class TopicKind(StrEnum):
    """What a topic carries."""

    EVENTS = "events"
    LABELS = "labels"
    DEAD_LETTERS = "dead_letters"
    FEATURES = "features"
    PATTERN_HITS = "pattern_hits"
    SCORES = "scores"
    EVIDENCE = "evidence"


@dataclass(frozen=True)
class TopicSpec:
    """Partitions and retention (milliseconds) of a kind of topic.

    A record's timestamp is the broker's clock at its arrival. A producer's own would let a record of a gateway that
    catches up be deleted unread, and one of a clock that runs ahead blind the patterns.
    """

    partitions: int
    retention_ms: int

    @property
    def config(self) -> dict[str, str]:
        """The topic's settings, as Kafka names them."""
        return {"retention.ms": str(self.retention_ms), "message.timestamp.type": "LogAppendTime"}


# Real-time scoring holds one task slot per input partition, so the features topic's count is also the scorer's
# slots: two partitions on two cores leave none unread and none idle.
TOPIC_SPECS: Final[dict[TopicKind, TopicSpec]] = {
    TopicKind.EVENTS: TopicSpec(partitions=4, retention_ms=3 * DAY_MS),
    TopicKind.LABELS: TopicSpec(partitions=1, retention_ms=3 * DAY_MS),
    TopicKind.DEAD_LETTERS: TopicSpec(partitions=1, retention_ms=14 * DAY_MS),
    TopicKind.FEATURES: TopicSpec(partitions=2, retention_ms=3 * DAY_MS),
    TopicKind.PATTERN_HITS: TopicSpec(partitions=1, retention_ms=3 * DAY_MS),
    TopicKind.SCORES: TopicSpec(partitions=2, retention_ms=3 * DAY_MS),
    TopicKind.EVIDENCE: TopicSpec(partitions=1, retention_ms=3 * DAY_MS),
}


def topic_name(kind: TopicKind, domain: str, scope: str = LIVE_SCOPE) -> str:
    """Name of the topic of ``kind`` for ``domain`` in ``scope`` (``live`` or a run_id).

    Raises:
        ValueError: ``scope`` is neither.
    """
    if scope == LIVE_SCOPE:
        return f"{kind}.{domain}"
    return f"{kind}.{domain}.{check_run_id(scope)}"


def topics_of(domain: str, scope: str) -> dict[TopicKind, str]:
    """Every topic of ``domain`` in ``scope``, by kind."""
    return {kind: topic_name(kind, domain, scope) for kind in TopicKind}
