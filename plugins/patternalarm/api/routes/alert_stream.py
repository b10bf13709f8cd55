"""Alerts as they are raised and worked on, as server-sent events."""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Final

import psycopg
from fastapi import APIRouter, Depends, Header, Query
from sse_starlette import EventSourceResponse

from patternalarm.api.dependencies import Platform, Principal, Role, require
from patternalarm.api.masking import mask, pack_of
from patternalarm.api.models.base import Name
from patternalarm.api.resources import Resources
from patternalarm.api.routes.refusals import told_as_problems
from patternalarm.api.stores.changes import Change, ChangeFeed
from patternalarm.api.streams import event_stream
from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.passing_errors import passes_by_itself

router = APIRouter(prefix="/api/alerts", tags=["alerts"])

# What became visible late is looked for this often, also when nothing else changes.
_LOOKED_EVERY_SECONDS: Final = 5.0

# A key that was revoked hears no more than this; who may goes on where the stream ended.
_LONGEST_SECONDS: Final = 1_800.0

Cursor = Annotated[str | None, Query(max_length=2_000, description="id of the last event that was heard.")]
LastEventId = Annotated[str | None, Header(max_length=2_000, description="The same, as browsers send it.")]


@router.get("/stream", response_class=EventSourceResponse)
async def stream_alerts(
    platform: Platform,
    _: Annotated[Principal, Depends(require(Role.VIEWER))],
    scope: Annotated[Name, Query(description="live, or the run_id of a load test or replay.")] = LIVE_SCOPE,
    cursor: Cursor = None,
    last_event_id: LastEventId = None,
) -> EventSourceResponse:
    """Every alert that is raised, rises or is worked on, from now on, or from a cursor on, each told at least once.

    Personal fields are masked for everybody: a stream is no place to say why one is shown.
    """
    heard = cursor or last_event_id
    with told_as_problems():
        feed = ChangeFeed(platform.database, scope, heard)
    if heard is None:
        # Now is when the caller asks, not when the first event is waited for.
        await feed.next()
    return event_stream(_changes(platform, feed))


async def _changes(platform: Resources, feed: ChangeFeed) -> AsyncIterator[dict[str, str]]:
    ends = time.monotonic() + _LONGEST_SECONDS
    while time.monotonic() < ends:
        # Before the question: a ring that comes while it is answered is not missed.
        ring = platform.bell.next_ring()
        changes: list[Change] = []
        try:
            changes = await feed.next()
        except psycopg.OperationalError as error:
            if not passes_by_itself(error):
                raise
        for change in changes:
            told = mask(change.alert, pack_of(change.alert.domain))
            yield {"event": "alert", "id": change.cursor, "data": told.model_dump_json(by_alias=True)}
        if not changes:
            await platform.bell.wait(ring, _LOOKED_EVERY_SECONDS)
