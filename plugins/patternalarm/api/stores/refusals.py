"""Why a store did not do what was asked."""

from typing import Any

import psycopg

from patternalarm.contracts.refusals import Refusal


class NotFoundError(LookupError):
    """There is no such alert or entry."""


class StaleVersionError(ValueError):
    """Somebody else wrote to the case meanwhile; ``current`` is the version that it is at."""

    def __init__(self, current: int) -> None:
        super().__init__(f"the case is at version {current}")
        self.current = current


class RefusedError(ValueError):
    """A rule of cases or allow-lists; ``remedy`` is what to do about it, ``refusal`` which kind of rule."""

    def __init__(self, what: str, remedy: str, refusal: Refusal) -> None:
        super().__init__(what)
        self.remedy, self.refusal = remedy, refusal


def refusal_in(error: psycopg.Error) -> RefusedError | None:
    """The rule that an error of PostgreSQL tells; None when it is about something else."""
    try:
        refusal = Refusal(error.sqlstate or "")
    except ValueError:
        return None
    told: Any = error.diag
    return RefusedError(told.message_primary or "refused", told.message_hint or "", refusal)
