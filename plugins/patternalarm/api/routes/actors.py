"""Actors: what the online store knows of one, and the alerts that are open about it."""

from typing import Annotated

import psycopg
from fastapi import APIRouter, Depends, Path, Query
from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from patternalarm.api.dependencies import Platform, Principal, Role, require
from patternalarm.api.masking import mask, mask_profile, pack_of
from patternalarm.api.models.alerts import Alert
from patternalarm.api.models.base import Answer, Name
from patternalarm.api.problems import ProblemError
from patternalarm.api.routes.unmasking import Unmask, may_unmask
from patternalarm.api.stores.alerts import AlertFilter, AlertSort, AlertStore, Order
from patternalarm.contracts.cases import CaseStatus
from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.online_store.profiles import Profile, ProfileReader
from patternalarm.passing_errors import passes_by_itself

router = APIRouter(prefix="/api/actors", tags=["actors"])

_MOST_ALERTS = 50


_ACTOR: JsonDict = {
    "profile": {
        "domain": "iot",
        "scope": "live",
        "actor_id": "•••4711",
        "features": {
            "event_id": "e-17",
            "event_time_ms": 1795852800000,
            "feature_set": "4c17bc342fdcb4cf",
            "values": [12.0, None],
            "source_topic": "events.iot",
            "source_partition": 0,
            "source_offset": 91,
        },
        "scores": None,
        "events": [{"event_id": "e-17", "event_type": "reading", "event_time_ms": 1795852800000, "score": 0.03}],
    },
    "openAlerts": [],
}


class ActorOut(Answer):
    """An actor's profile, and its open alerts, the newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACTOR]})

    profile: Profile
    open_alerts: Annotated[list[Alert] | None, Field(description="Null while PostgreSQL is away.")]


@router.get("/{actor_id}")
async def actor(
    actor_id: Annotated[Name, Path(description="Whose profile, as the events name it.")],
    platform: Platform,
    principal: Annotated[Principal, Depends(require(Role.VIEWER))],
    domain: Annotated[Name, Query(description="The actor's domain.")],
    scope: Annotated[Name, Query(description="live, or the run_id of a load test or replay.")] = LIVE_SCOPE,
    unmask: Unmask = None,
) -> ActorOut:
    """Newest features and scores, the last 100 events, and the open alerts of an actor.

    The profile of a run is kept for a day after it.
    """
    profile = await ProfileReader(platform.redis).read(scope, domain, actor_id)
    if profile is None:
        raise ProblemError(
            404,
            "no such profile",
            f"the online store holds no profile of that actor in {scope}: never seen, expired, evicted, or not built yet",
            remedy="see to actor, domain and scope; a store that lost its profiles has them again within a minute",
        )
    alerts = await _open_alerts(platform, scope, domain, actor_id)
    if await may_unmask(platform.database, principal, unmask, [f"actor {actor_id}"]):
        return ActorOut(profile=profile, open_alerts=alerts)
    pack = pack_of(domain)
    return ActorOut(
        profile=mask_profile(profile, pack),
        open_alerts=None if alerts is None else [mask(alert, pack) for alert in alerts],
    )


async def _open_alerts(platform: Platform, scope: str, domain: str, actor_id: str) -> list[Alert] | None:
    store = AlertStore(platform.database)
    found: list[Alert] = []
    try:
        for status in (CaseStatus.OPEN, CaseStatus.IN_REVIEW):
            wanted = AlertFilter(scope=scope, domain=domain, subject_id=actor_id, status=status, suppressed=False)
            page = await store.page(wanted, AlertSort.DETECTED_AT, Order.DESCENDING, _MOST_ALERTS, None)
            found += page.items
    except psycopg.OperationalError as error:
        if not passes_by_itself(error):
            raise
        return None
    return sorted(found, key=lambda alert: alert.detected_at, reverse=True)
