"""What routes ask for by their parameters."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from patternalarm.api.access.caller import caller_of
from patternalarm.api.access.roles import Principal, Role, includes
from patternalarm.api.database import Pool
from patternalarm.api.problems import ProblemError
from patternalarm.api.resources import Resources

__all__ = ["Database", "Platform", "Principal", "Role", "require"]


def _resources(request: Request) -> Resources:
    found: Resources = request.app.state.resources
    return found


Platform = Annotated[Resources, Depends(_resources)]


def _database(platform: Platform) -> Pool:
    return platform.database


Database = Annotated[Pool, Depends(_database)]


def require(role: Role) -> Callable[[Request, Resources], Awaitable[Principal]]:
    """A dependency that gives the caller, who may do what ``role`` may.

    Raises, when it is called:
        ProblemError: 401 or 403, the caller may not; 429, he asks too often.
    """

    async def required(request: Request, platform: Platform) -> Principal:
        principal = await caller_of(request, platform)
        request.state.principal = principal
        await platform.throttle.count(principal, request)
        if not includes(principal.role, role):
            raise ProblemError(
                403,
                "role not sufficient",
                f"this call needs the role {role}, and the key of {principal.name} has {principal.role}",
                remedy=f"use a key of the role {role}: make api-key ROLE={role}",
            )
        return principal

    return required
