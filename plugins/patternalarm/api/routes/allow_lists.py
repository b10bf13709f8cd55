"""Allow-lists: entries are proposed by one person, approved by a second one, and revoked by anybody."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from patternalarm.api.access.roles import Principal
from patternalarm.api.dependencies import Database
from patternalarm.api.masking import mask, pack_of
from patternalarm.api.models.allow_lists import AllowListEntry, AllowListPage, AllowListRequest, RevokeRequest
from patternalarm.api.models.base import Asked, Name, Note
from patternalarm.api.problems import ProblemError
from patternalarm.api.routes.alerts import MOST_ON_A_PAGE, Analyst, Viewer, check_domain
from patternalarm.api.routes.refusals import told_as_problems
from patternalarm.api.routes.unmasking import UNMASK, Unmask, may_unmask
from patternalarm.api.stores.alerts import AlertStore
from patternalarm.api.stores.allow_lists import AllowListStore, EntryFilter
from patternalarm.contracts.alerts import SUSPICIOUS_ACTIVITY
from patternalarm.contracts.cases import EntryDecision, EntryState
from patternalarm.did_you_mean import did_you_mean

router = APIRouter(prefix="/api/allow-lists", tags=["allow-lists"])

EntryId = Annotated[int, Path(ge=1, lt=2**63, description="Number of the entry.", examples=[3])]


class EntryQuery(Asked):
    """Which entries, from where on."""

    state: EntryState | None = None
    domain: Name | None = None
    subject_id: Name | None = None
    page_size: Annotated[int, Field(ge=1, le=MOST_ON_A_PAGE)] = 50
    cursor: Annotated[str | None, Field(max_length=2_000, description="next of the page before.")] = None
    unmask: Annotated[Note | None, Field(description=UNMASK)] = None


@router.get("", summary="A page of entries, newest first")
async def list_entries(asked: Annotated[EntryQuery, Query()], principal: Viewer, database: Database) -> AllowListPage:
    """Entries of every state, with who proposed, approved and revoked them, and how many alerts each suppressed."""
    wanted = EntryFilter(state=asked.state, domain=asked.domain, subject_id=asked.subject_id)
    with told_as_problems():
        page = await AllowListStore(database).page(wanted, asked.page_size, asked.cursor)
    subjects = (f"allow-list entry {entry.entry_id}" for entry in page.items)
    if await may_unmask(database, principal, asked.unmask, subjects):
        return page
    return page.model_copy(update={"items": [mask(entry, pack_of(entry.domain)) for entry in page.items]})


@router.get("/{entry_id}", summary="An entry")
async def get_entry(entry_id: EntryId, principal: Viewer, database: Database, unmask: Unmask = None) -> AllowListEntry:
    """An entry with who proposed, approved and revoked it."""
    with told_as_problems():
        entry = await AllowListStore(database).one(entry_id)
    if await may_unmask(database, principal, unmask, [f"allow-list entry {entry_id}"]):
        return entry
    return mask(entry, pack_of(entry.domain))


def _known(principal: Principal) -> Principal:
    """The caller, whom a key names: two people who are both nobody in particular are not two.

    Raises:
        ProblemError: 403, there is no key.
    """
    if not principal.key_id:
        raise ProblemError(
            403,
            "key needed",
            "two people stand behind an entry, and a caller without a key may be anybody on this machine",
            remedy="send a key of the role analyst, each of you your own: make api-key ROLE=analyst NAME=<who>",
        )
    return principal


@router.post("", status_code=201, summary="Propose an entry")
async def propose(
    asked: AllowListRequest, principal: Analyst, database: Database, response: Response
) -> AllowListEntry:
    """Propose to keep a subject's live alerts out of the queue. Nothing happens until a second person approves it."""
    _known(principal)
    await check_domain(AlertStore(database), asked.domain)
    pack = pack_of(asked.domain)
    types = [*pack.fraud_types, SUSPICIOUS_ACTIVITY] if pack else []
    if types and asked.fraud_type is not None and asked.fraud_type not in types:
        told = did_you_mean("fraud type", asked.fraud_type, types)
        raise ProblemError(422, "unknown fraud type", told, remedy=f"use one of {', '.join(types)}", fraudTypes=types)
    with told_as_problems():
        entry = await AllowListStore(database).propose(
            asked.domain,
            asked.subject_type,
            asked.subject_id,
            asked.fraud_type,
            asked.reason,
            asked.expires_at,
            principal.name,
        )
    response.headers["Location"] = f"{router.prefix}/{entry.entry_id}"
    return entry


@router.post("/{entry_id}/approve", summary="Approve an entry that somebody else proposed")
async def approve(entry_id: EntryId, principal: Analyst, database: Database) -> AllowListEntry:
    """Make an entry active. Alerts that are there already stay as they are."""
    _known(principal)
    with told_as_problems():
        entry = await AllowListStore(database).decide(entry_id, EntryDecision.APPROVED, principal.name)
    return mask(entry, pack_of(entry.domain))


@router.post("/{entry_id}/revoke", summary="End an entry before its time")
async def revoke(
    entry_id: EntryId, principal: Analyst, database: Database, asked: RevokeRequest | None = None
) -> AllowListEntry:
    """End an entry. Alerts that it suppressed stay so; later ones are in the queue again."""
    with told_as_problems():
        note = asked.note if asked else None
        entry = await AllowListStore(database).decide(entry_id, EntryDecision.REVOKED, principal.name, note)
    return mask(entry, pack_of(entry.domain))
