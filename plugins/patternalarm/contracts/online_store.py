"""The online store in Redis: names of its keys and fields, what of an actor it keeps, how much and for how long.

A profile is one hash per actor, so that it is evicted whole or not at all. An actor's events share a partition of the
events topic, hence their source offset orders them, and whatever is kept is named by it.
"""

from typing import Final

from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.contracts.topics import DAY_MS, TOPIC_SPECS, TopicKind

# Events of an actor, the newest.
EVENTS_KEPT: Final = 100

# Fields of a profile: the newest features and scores as JSON, each with the source offset of its event.
FEATURES: Final = "features"
FEATURES_AT: Final = "features_at"
SCORES: Final = "scores"
SCORES_AT: Final = "scores_at"
# Before a source offset: an event's fields as a JSON object, and its score as a JSON array of model version and score.
EVENT_PREFIX: Final = "e"
SCORE_PREFIX: Final = "s"

# Columns of a features record that the newest features hold; a missing value is null or "NaN".
LATEST_FEATURES_COLUMNS: Final = (
    *("event_id", "event_time_ms", "feature_set", "values"),
    *("source_topic", "source_partition", "source_offset"),
)
# Columns of a scores record that the newest scores hold.
LATEST_SCORES_COLUMNS: Final = ("model_version", "event_id", "event_time_ms", "feature_set", "score", "scores")
# Columns of a features record that each of the newest events holds; one that is null is left out.
EVENT_COLUMNS: Final = (
    *("event_id", "event_type", "event_time_ms", "counterparty_id", "device_id", "country", "channel"),
    *("money_out", "amount", "currency", "amount_base"),
)

# Field of a scope's own hash: the id of what was built since Redis held nothing of the scope. The other fields hold the
# next offset to read, by ``<topic>:<partition>``.
GENERATION: Final = "generation"


def profile_key(domain: str, scope: str, actor_id: str) -> str:
    """Key of an actor's profile."""
    return f"profile:{domain}:{scope}:{actor_id}"


def scope_key(domain: str, scope: str) -> str:
    """Key of the hash that tells how far the profiles of a scope are."""
    return f"profiles:{domain}:{scope}"


# The hash of a scope outlives its profiles: of what is kept the shortest Redis gives up first when it is full, and without
# that hash all of them would be built anew.
SCOPE_OUTLIVES_SECONDS: Final = 3_600


def seconds_kept(scope: str) -> int:
    """How long a profile is kept after the last write to it.

    Live, as long as a rebuild could bring it back; of a run for a day, in which people still look at its alerts.
    """
    retention_ms = TOPIC_SPECS[TopicKind.FEATURES].retention_ms if scope == LIVE_SCOPE else DAY_MS
    return retention_ms // 1000
