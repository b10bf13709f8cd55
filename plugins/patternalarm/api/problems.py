"""Errors as ``application/problem+json`` (RFC 9457), each with a remedy."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from asgi_correlation_id import correlation_id
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from rfc9457 import Problem
from starlette.exceptions import HTTPException

MEDIA_TYPE: Final = "application/problem+json"

# What a framework's own refusals leave out.
_REMEDIES: Final = {
    404: "see /docs for what there is",
    405: "see /docs for the methods of this path",
    413: "send less at once, in several requests",
    415: "send JSON, or a form where the path takes one",
}

_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "remedy", "requestId"],
    "properties": {
        "type": {"type": "string", "description": "A URN for this kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What was wrong this time."},
        "remedy": {"type": "string", "description": "What to do about it."},
        "requestId": {"type": "string", "description": "The request's id in the API's log."},
    },
    "example": {
        "type": "urn:patternalarm:problem:no-such-run",
        "title": "no such run",
        "status": 404,
        "detail": "there is no run 'load-test-1'",
        "remedy": "see /api/runs for what there is",
        "requestId": "5b2d1b8de26c402d9165b59beb90ba17",
    },
}

# What every call may answer, for the OpenAPI document.
RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    group: {"description": words, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for group, words in (("4XX", "The request is refused."), ("5XX", "The platform cannot answer it now."))
}


class ProblemError(Problem):
    """A refusal or failure that the caller is told.

    Args:
        status: HTTP status.
        title: what kind of problem it is, the same for each of its kind.
        detail: what was wrong this time.
        remedy: what the caller does about it.
        headers: of the answer, like ``Retry-After``.
        extras: further members of the answer.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str = "",
        *,
        remedy: str,
        headers: Mapping[str, str] | None = None,
        **extras: Any,
    ) -> None:
        type_ = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
        super().__init__(
            title, type_, detail or None, status, dict(headers) if headers else None, remedy=remedy, **extras
        )


class Unavailable(ProblemError):  # noqa: N818 - a state of the platform
    """A part that this call needs is away; what does not need it goes on.

    Args:
        part: the dependency, as readiness names it.
        detail: what it said.
        remedy: what to do when it does not come back.
        heard: whether it may have heard the request, and done something about it.
    """

    def __init__(self, part: str, detail: str, remedy: str, *, heard: bool = False) -> None:
        super().__init__(
            503,
            f"{part} is not available",
            detail,
            remedy=f"try again in some seconds; if it stays away, {remedy}",
            headers={"Retry-After": "5"},
            part=part,
        )
        self.part, self.heard = part, heard


def answer_of(problem: Problem) -> JSONResponse:
    """The answer that tells a problem."""
    content = {**problem.marshal(uri="urn:patternalarm:problem:{type}"), "requestId": correlation_id.get()}
    return JSONResponse(content, problem.status, dict(problem.headers or {}), MEDIA_TYPE)


def problem_of(error: HTTPException) -> ProblemError:
    """The problem that an exception of the framework tells."""
    return ProblemError(
        error.status_code,
        HTTPStatus(error.status_code).phrase,
        str(error.detail),
        remedy=_REMEDIES.get(error.status_code, "see /docs"),
        headers=error.headers,
    )


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location if part not in ("body", "query", "path", "header")) or "the request"


def invalid(errors: list[Any]) -> ProblemError:
    """What pydantic found wrong, one line for each fault, without the values, which may be personal."""
    faults = [{"field": _place(tuple(one["loc"])), "message": str(one["msg"])} for one in errors]
    broken = any(one["type"] in ("json_invalid", "value_error.jsondecode") for one in errors)
    return ProblemError(
        400 if broken else 422,
        "broken JSON" if broken else "invalid request",
        "; ".join(f"{fault['field']}: {fault['message']}" for fault in faults),
        remedy="see the call's schema and example in /docs",
        errors=faults,
    )


def install(app: FastAPI) -> None:
    """Let ``app`` answer every error as a problem."""

    async def on_problem(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, Problem)  # noqa: S101 - what it is registered for
        return answer_of(error)

    async def on_http(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101
        return answer_of(problem_of(error))

    async def on_invalid(_: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        return answer_of(invalid(list(error.errors())))

    async def on_fault(_: Request, __: Exception) -> JSONResponse:
        # Starlette raises it again afterwards, so that the log has the whole of it under this request's id.
        return answer_of(
            ProblemError(
                500,
                "internal error",
                remedy="look for this requestId in the API's log (make logs S=api), and report it",
            )
        )

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(Exception, on_fault)
