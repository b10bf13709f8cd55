"""Personal fields in the clear: for analysts, for a reason, and recorded before they are shown."""

from collections.abc import Iterable
from typing import Annotated, Final

from fastapi import Query

from patternalarm.api.access.roles import Principal, Role, includes
from patternalarm.api.database import Pool
from patternalarm.api.models.base import Note
from patternalarm.api.problems import ProblemError
from patternalarm.api.stores.unmaskings import note_unmaskings

UNMASK: Final = "Why personal fields are to be shown; for analysts, and recorded."

Unmask = Annotated[Note | None, Query(description=UNMASK, examples=["calling the holder"])]


async def may_unmask(database: Pool, principal: Principal, reason: str | None, subjects: Iterable[str]) -> bool:
    """Whether personal fields of ``subjects`` are shown, which is recorded with the ``reason``; without one they are not.

    Raises:
        ProblemError: 403, the caller asks for it and may not.
    """
    if reason is None:
        return False
    if not includes(principal.role, Role.ANALYST):
        raise ProblemError(
            403,
            "role not sufficient",
            f"personal fields are shown to analysts, and the key of {principal.name} has {principal.role}",
            remedy="leave unmask out, or use a key of the role analyst",
        )
    await note_unmaskings(database, list(subjects), reason, principal.name)
    return True
