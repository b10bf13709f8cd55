"""What routes ask for by their parameters."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from patternalarm.api.access.roles import Principal, Role, includes
from patternalarm.api.problems import ProblemError
from patternalarm.api.resources import Pool

__all__ = ["Database", "Principal", "Role", "require"]


def _database(request: Request) -> Pool:
    found: Pool = request.app.state.database
    return found


Database = Annotated[Pool, Depends(_database)]


def _caller(request: Request) -> Principal:
    found: Principal = request.app.state.principal
    return found


def require(role: Role) -> Callable[..., Awaitable[Principal]]:
    """A dependency that gives the caller, who may do what ``role`` may.

    Raises, when it is called:
        ProblemError: 403, the caller may not.
    """

    async def required(principal: Annotated[Principal, Depends(_caller)]) -> Principal:
        if not includes(principal.role, role):
            raise ProblemError(403, "role not sufficient", f"this call needs the role {role}", remedy="use another key")
        return principal

    return required
