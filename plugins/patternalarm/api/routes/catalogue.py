"""What there is: domains with their fields and features, promoted models, runs."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query

from patternalarm.api.dependencies import Database, Principal, Role, require
from patternalarm.api.models.catalogue import DomainOut, FeatureOut, FieldOut, ModelOut, RunOut, RunPage
from patternalarm.api.problems import ProblemError
from patternalarm.api.stores.cursors import CursorError, decode, encode
from patternalarm.api.stores.models import promoted_models
from patternalarm.api.stores.runs import list_runs
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.events import COMMON_FIELDS
from patternalarm.contracts.pack_folder import generated_domains, pack_names

router = APIRouter(prefix="/api", tags=["catalogue"])
Viewer = Annotated[Principal, Depends(require(Role.VIEWER))]

_STATES: Final = "^(running|passed|missed|failed)$"


@router.get("/domains", response_model=list[DomainOut])
async def domains(_: Viewer) -> list[DomainOut]:
    """Every shipped domain, with what its events and feature vectors hold."""
    return [_domain(name) for name in pack_names()]


def _domain(name: str) -> DomainOut:
    pack = load_pack(name)
    common = [
        FieldOut(name=f.name, type=f.type, required=f.required, personal=f.personal, description=f.description)
        for f in COMMON_FIELDS
    ]
    own = [
        FieldOut(name=f.name, type=f.type, required=f.required, personal=f.personal, description=f.description)
        for f in pack.fields
    ]
    return DomainOut(
        name=pack.name,
        version=pack.version,
        feature_set=pack.feature_set,
        currency=pack.base_currency,
        fraud_types=list(pack.fraud_types),
        generated=name in generated_domains(),
        fields=[*common, *own],
        features=[FeatureOut(name=f.name, description=f.description, unit=f.unit, op=f.op) for f in pack.features],
    )


@router.get("/models", response_model=list[ModelOut])
async def models(database: Database, _: Viewer) -> list[ModelOut]:
    """The promoted model of each domain that has one."""
    return [ModelOut.model_validate(row) for row in await promoted_models(database)]


@router.get("/runs", response_model=RunPage)
async def runs(
    database: Database,
    _: Viewer,
    domain: Annotated[str | None, Query(max_length=63)] = None,
    state: Annotated[str | None, Query(pattern=_STATES)] = None,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> RunPage:
    """Runs that were opened, whoever asked for them."""
    question = {"runs": [domain, state]}
    rows = await list_runs(database, domain, state, _before(question, cursor), limit + 1)
    page = rows[:limit]
    following = encode(question, [page[-1]["requested_at"], page[-1]["run_id"]]) if len(rows) > limit else None
    return RunPage(runs=[RunOut.model_validate(row) for row in page], next=following)


def _before(question: object, cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    try:
        at, run_id = decode(question, cursor, 2)
        return datetime.fromisoformat(at), str(run_id)
    except (CursorError, ValueError, TypeError) as error:
        raise ProblemError(400, "bad cursor", str(error), remedy="begin again without a cursor") from error
