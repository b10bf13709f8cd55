"""Browser sessions: a key once, a cookie from then on, and a token that no other site's page can read for what changes."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from patternalarm.api.access.caller import CSRF_KEY, SESSION_KEY, caller_of, principal_by_key
from patternalarm.api.dependencies import Platform, Principal, Role, require
from patternalarm.api.models.base import Answer

router = APIRouter(prefix="/api/session", tags=["access"])


class LoginRequest(BaseModel):
    """A key to begin a session with."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"key": "pa_0123456789ab_..."}]})

    key: Annotated[str, Field(max_length=200)]


class SessionOut(Answer):
    """Who the caller is, and in a session the token to send as ``X-CSRF-Token`` with everything that changes something."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "anna", "role": "analyst", "csrfToken": "c1f8..."}]}
    )

    name: str
    role: str
    csrf_token: str | None


@router.post("", response_model=SessionOut)
async def begin_session(login: LoginRequest, request: Request, platform: Platform) -> SessionOut:
    """Begin a session; its cookie is for this site's pages alone, and ends after eight hours, or with the key."""
    principal = await principal_by_key(request, platform, login.key)
    token = secrets.token_urlsafe(32)
    request.session.update({SESSION_KEY: principal.key_id, CSRF_KEY: token})
    return SessionOut(name=principal.name, role=principal.role, csrf_token=token)


@router.get("", response_model=SessionOut)
async def session(request: Request, caller: Annotated[Principal, Depends(require(Role.VIEWER))]) -> SessionOut:
    """Who the caller is."""
    return SessionOut(name=caller.name, role=caller.role, csrf_token=request.session.get(CSRF_KEY))


@router.delete("", status_code=204)
async def end_session(request: Request, platform: Platform) -> Response:
    """End the session."""
    await caller_of(request, platform)
    request.session.clear()
    return Response(status_code=204)
