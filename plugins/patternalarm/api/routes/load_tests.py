"""Load tests: start one, follow it to its verdict, read its report, stop it."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.responses import FileResponse
from sse_starlette import EventSourceResponse

from patternalarm.api.dependencies import Platform, Principal, Role, require
from patternalarm.api.load_tests.request import execute, read_request
from patternalarm.api.models.load_tests import EXAMPLE, Accepted, LoadTestRequest, RunProgress
from patternalarm.api.problems import ProblemError
from patternalarm.api.stores.runs import note_stop
from patternalarm.api.streams import event_stream

router = APIRouter(prefix="/api/test", tags=["load tests"])

RunId = Annotated[str, Path(max_length=60, description="Id of the run, as the start answered it.")]

_FORM_EXAMPLE: Final = "domain=gaming&loadLevel=normal"
_SCHEMA: Final = LoadTestRequest.model_json_schema(ref_template="#/components/schemas/{model}")
_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {"schema": _SCHEMA, "example": EXAMPLE},
            "application/json": {"schema": _SCHEMA, "example": {**EXAMPLE, "minutes": 2, "seed": 7}},
        },
    }
}


@router.post("/execute", status_code=202, response_model=Accepted, openapi_extra=_BODY)
async def execute_load_test(
    request: Request,
    response: Response,
    platform: Platform,
    caller: Annotated[Principal, Depends(require(Role.ENGINEER))],
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=200, description="The same key starts one run, however often it is sent."),
    ] = None,
) -> Accepted:
    """Start a graded load test; the answer says where to follow it."""
    accepted = await execute(platform, await read_request(request), caller.name, idempotency_key)
    if accepted.links is None:
        response.status_code = 200
    else:
        response.headers["Location"] = accepted.links.self
    return accepted


@router.get("/{run}", response_model=RunProgress)
async def load_test(
    run: RunId, platform: Platform, _: Annotated[Principal, Depends(require(Role.VIEWER))]
) -> RunProgress:
    """How far a run is: its steps, and its verdict once there is one."""
    return await platform.progress.of(run)


@router.get("/{run}/events", response_class=EventSourceResponse)
async def load_test_events(
    run: RunId, platform: Platform, _: Annotated[Principal, Depends(require(Role.VIEWER))]
) -> EventSourceResponse:
    """The run as server-sent events: ``progress`` once, a ``step`` for each change of a task, and last the ``verdict``."""
    await platform.progress.find(run)
    return event_stream(_changes(platform.progress.follow(run)))


async def _changes(progress: AsyncIterator[RunProgress]) -> AsyncIterator[dict[str, str]]:
    seen: dict[str, str] = {}
    state = None
    async for now in progress:
        for step in now.steps or []:
            if seen.get(step.name) != step.state:
                seen[step.name] = step.state
                yield _event("step", step.model_dump(mode="json", by_alias=True))
        if now.state != state:
            state = now.state
            yield _event("progress", now.model_dump(mode="json", by_alias=True, exclude={"steps"}))
        if now.verdict is not None:
            yield _event("verdict", now.model_dump(mode="json", by_alias=True, exclude={"steps"}))


def _event(name: str, content: dict[str, Any]) -> dict[str, str]:
    return {"event": name, "data": orjson.dumps(content).decode()}


@router.get(
    "/{run}/report", response_class=Response, responses={200: {"content": {"application/json": {}, "text/html": {}}}}
)
async def load_test_report(
    run: RunId, request: Request, platform: Platform, _: Annotated[Principal, Depends(require(Role.VIEWER))]
) -> FileResponse:
    """The run's report: JSON, or the page for who accepts HTML."""
    await platform.progress.find(run)
    wants_page = "text/html" in request.headers.get("accept", "")
    name, media_type = ("report.html", "text/html") if wants_page else ("report.json", "application/json")
    path = platform.settings.reports_dir / run / name
    if not path.is_file():
        raise ProblemError(
            404,
            "no report yet",
            f"run {run} has no report: it is not graded yet, or it failed before",
            remedy=f"see /api/test/{run} for how far it is",
        )
    headers = {"Content-Security-Policy": "default-src 'self' 'unsafe-inline' data:", "Vary": "Accept"}
    return FileResponse(path, media_type=media_type, headers=headers)


@router.delete("/{run}", status_code=202, response_model=RunProgress)
async def stop_load_test(
    run: RunId, platform: Platform, caller: Annotated[Principal, Depends(require(Role.ENGINEER))]
) -> RunProgress:
    """Stop a run: what it runs is ended, and it is closed as failed."""
    progress = await platform.progress.of(run)
    if progress.verdict is not None:
        raise ProblemError(
            409,
            "run has ended",
            f"run {run} has ended: {progress.verdict.state}",
            remedy="nothing is left to stop",
        )
    known = await platform.progress.find(run)
    await platform.airflow.stop(known.dag_id, known.airflow_run_id)
    await note_stop(platform.database, run, caller.name)
    return await platform.progress.of(run)
