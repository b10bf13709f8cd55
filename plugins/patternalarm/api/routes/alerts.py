"""Alerts: pages of them, one with all that belongs to it, and what analysts do with its case."""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from pydantic import AwareDatetime, Field

from patternalarm.api.dependencies import Database, Principal, Role, require
from patternalarm.api.masking import mask, pack_of
from patternalarm.api.models.alerts import (
    AlertDetail,
    AlertPage,
    AssignRequest,
    CaseState,
    DispositionRequest,
    NoteRequest,
    ReopenRequest,
    SnoozeRequest,
)
from patternalarm.api.models.base import Asked, Name, Note
from patternalarm.api.problems import ProblemError
from patternalarm.api.routes.refusals import etag_of, told_as_problems
from patternalarm.api.routes.unmasking import UNMASK, Unmask, may_unmask
from patternalarm.api.stores.alerts import AlertFilter, AlertSort, AlertStore, Order
from patternalarm.api.stores.cases import CaseStore
from patternalarm.contracts.alerts import Severity
from patternalarm.contracts.cases import CaseAction, CaseStatus
from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.did_you_mean import did_you_mean

MOST_ON_A_PAGE: Final = 200

_MOST_VERSIONS: Final = 2**31 - 2

router = APIRouter(prefix="/api/alerts", tags=["alerts"])

Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]
Analyst = Annotated[Principal, Depends(require(Role.ANALYST))]

AlertId = Annotated[
    str,
    Path(pattern="^[0-9a-f]{32}$", description="Identity of the alert.", examples=["5f0c5f1ab2b0c9d4e1a7d2c3b4a59687"]),
]


class AlertQuery(Asked):
    """Which alerts, in which order, from where on."""

    scope: Annotated[Name, Field(description="live, or the run_id of a load test or replay.")] = LIVE_SCOPE
    domain: Name | None = None
    fraud_type: Name | None = None
    min_severity: Annotated[Severity | None, Field(description="This severity or a higher one.")] = None
    status: Annotated[CaseStatus | None, Field(description="Where the case stands.")] = None
    assignee: Name | None = None
    subject_id: Name | None = None
    suppressed: Annotated[bool | None, Field(description="Whether an allow-list keeps it out of the queue.")] = None
    snoozed: Annotated[bool | None, Field(description="Whether it sleeps now.")] = None
    detected_from: AwareDatetime | None = None
    detected_to: Annotated[AwareDatetime | None, Field(description="Not included.")] = None
    sort: AlertSort = AlertSort.DETECTED_AT
    order: Order = Order.DESCENDING
    page_size: Annotated[int, Field(ge=1, le=MOST_ON_A_PAGE)] = 50
    cursor: Annotated[str | None, Field(max_length=2_000, description="next of the page before.")] = None
    unmask: Annotated[Note | None, Field(description=UNMASK)] = None

    @property
    def wanted(self) -> AlertFilter:
        """The filters alone."""
        return AlertFilter(
            scope=self.scope,
            domain=self.domain,
            fraud_type=self.fraud_type,
            min_severity=self.min_severity,
            status=self.status,
            assignee=self.assignee,
            subject_id=self.subject_id,
            suppressed=self.suppressed,
            snoozed=self.snoozed,
            detected_from=self.detected_from,
            detected_to=self.detected_to,
        )


def version_in(if_match: str | None) -> int:
    """The version of a case that the caller saw.

    Raises:
        ProblemError: 428, there is no If-Match; 400, it is no version.
    """
    if if_match is None:
        raise ProblemError(
            428,
            "version missing",
            "what is done to a case is done to the version that was seen",
            remedy='send If-Match: "<version>", the ETag of the alert (version 0 while nobody touched its case)',
        )
    match = re.fullmatch(r'"([0-9]{1,10})"', if_match.strip())
    if match is None or int(match[1]) > _MOST_VERSIONS:
        raise ProblemError(
            400, "If-Match is no version", "it is not a number in quotes", remedy='send it like If-Match: "3"'
        )
    return int(match[1])


async def check_domain(store: AlertStore, domain: str) -> None:
    """Check that alerts may be of ``domain``.

    Raises:
        ProblemError: 422, they may not; it lists those that there are.
    """
    domains = await store.domains()
    if domain not in domains:
        told = did_you_mean("domain", domain, domains)
        raise ProblemError(422, "unknown domain", told, remedy=f"use one of {', '.join(domains)}", domains=domains)


SeenVersion = Annotated[
    str | None,
    Header(
        alias="If-Match",
        description="Version of the case that was seen, in quotes: the alert's ETag.",
        examples=['"0"'],
    ),
]


@router.get("", summary="A page of alerts")
async def list_alerts(asked: Annotated[AlertQuery, Query()], principal: Viewer, database: Database) -> AlertPage:
    """Alerts by filters, in an order, page after page.

    A cursor goes on exactly where a page ended, whatever was raised meanwhile, and holds for the same filters and order.
    """
    store = AlertStore(database)
    if asked.domain is not None:
        await check_domain(store, asked.domain)
    with told_as_problems():
        page = await store.page(asked.wanted, asked.sort, asked.order, asked.page_size, asked.cursor)
    if await may_unmask(database, principal, asked.unmask, (f"alert {alert.alert_id}" for alert in page.items)):
        return page
    return page.model_copy(update={"items": [mask(alert, pack_of(alert.domain)) for alert in page.items]})


@router.get("/{alert_id}", summary="An alert with its events and the history of its case")
async def get_alert(
    alert_id: AlertId, principal: Viewer, database: Database, response: Response, unmask: Unmask = None
) -> AlertDetail:
    """An alert. Its ETag is the version of its case, for If-Match."""
    with told_as_problems():
        alert = await AlertStore(database).one(alert_id)
    response.headers["ETag"] = etag_of(alert.case.version)
    if await may_unmask(database, principal, unmask, [f"alert {alert_id}"]):
        return alert
    return mask(alert, pack_of(alert.domain))


async def _act(
    database: Database,
    principal: Principal,
    alert_id: str,
    if_match: str | None,
    response: Response,
    action: CaseAction,
    **values: Any,
) -> CaseState:
    with told_as_problems():
        state = await CaseStore(database).act(alert_id, version_in(if_match), action, principal.name, **values)
    response.headers["ETag"] = etag_of(state.version)
    return state


@router.post("/{alert_id}/disposition", summary="Say what the alert was, and close its case")
async def dispose(
    alert_id: AlertId,
    asked: DispositionRequest,
    principal: Analyst,
    database: Database,
    response: Response,
    if_match: SeenVersion = None,
) -> CaseState:
    """Close a case. A closed one is refused: reopen it first."""
    values = {"disposition": asked.disposition, "note": asked.note}
    return await _act(database, principal, alert_id, if_match, response, CaseAction.DISPOSITION, **values)


@router.post("/{alert_id}/assign", summary="Say who works on it")
async def assign(
    alert_id: AlertId,
    asked: AssignRequest,
    principal: Analyst,
    database: Database,
    response: Response,
    if_match: SeenVersion = None,
) -> CaseState:
    """Give a case to somebody, or to nobody."""
    values = {"assignee": asked.assignee, "note": asked.note}
    return await _act(database, principal, alert_id, if_match, response, CaseAction.ASSIGN, **values)


@router.post("/{alert_id}/notes", summary="Add a note")
async def add_note(
    alert_id: AlertId,
    asked: NoteRequest,
    principal: Analyst,
    database: Database,
    response: Response,
    if_match: SeenVersion = None,
) -> CaseState:
    """Add a note to a case, open or closed."""
    return await _act(database, principal, alert_id, if_match, response, CaseAction.NOTE, note=asked.note)


@router.post("/{alert_id}/snooze", summary="Let it sleep until a time")
async def snooze(
    alert_id: AlertId,
    asked: SnoozeRequest,
    principal: Analyst,
    database: Database,
    response: Response,
    if_match: SeenVersion = None,
) -> CaseState:
    """Keep a case out of sight for a while."""
    values = {"snoozed_until": asked.until, "note": asked.note}
    return await _act(database, principal, alert_id, if_match, response, CaseAction.SNOOZE, **values)


@router.post("/{alert_id}/reopen", summary="Work on a closed case again")
async def reopen(
    alert_id: AlertId,
    asked: ReopenRequest,
    principal: Analyst,
    database: Database,
    response: Response,
    if_match: SeenVersion = None,
) -> CaseState:
    """Open a closed case again."""
    return await _act(database, principal, alert_id, if_match, response, CaseAction.REOPEN, note=asked.note)
