"""The units that alerts are judged by, the same as in grading: episodes of an actor, and campaigns."""

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812

from patternalarm.contracts.domain_pack import DomainPack


def episode(pack: DomainPack) -> Column:
    """Number of the episode that a row's event falls into: triggers of one actor and type within it are one alert."""
    return F.floor(F.col("event_time_ms") / pack.episode)


def campaign(pack: DomainPack) -> Column:
    """Name of a fraud row's campaign; a labeller that names none makes each episode of an actor one."""
    return F.coalesce("campaign_id", F.concat_ws("|", "actor_id", episode(pack).cast("string")))
