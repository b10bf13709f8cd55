"""What stores refuse, as problems that the caller is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from patternalarm.api.problems import ProblemError
from patternalarm.api.stores.cursors import CursorError
from patternalarm.api.stores.refusals import NotFoundError, RefusedError, StaleVersionError
from patternalarm.contracts.refusals import Refusal

_STATUS: Final = {
    Refusal.STALE_VERSION: (412, "changed meanwhile"),
    Refusal.NOT_IN_THIS_STATE: (409, "not possible now"),
    Refusal.NOT_VALID: (422, "invalid request"),
    Refusal.APPEND_ONLY: (409, "not possible now"),
    Refusal.SAME_PERSON: (403, "second person needed"),
}


@contextmanager
def told_as_problems() -> Iterator[None]:
    """Tell what a store raises within.

    Raises:
        ProblemError: 400, a cursor does not fit; 404; 412, another version, which ``version`` names; or what a rule says.
    """
    try:
        yield
    except CursorError as error:
        raise ProblemError(
            400, "cursor does not fit", str(error), remedy="ask for the first page of this question, without a cursor"
        ) from error
    except NotFoundError as error:
        raise ProblemError(404, "not found", str(error), remedy="look for it in the list") from error
    except StaleVersionError as error:
        raise ProblemError(
            412,
            "changed meanwhile",
            str(error),
            remedy="read the alert again, and send If-Match with its version if it still holds",
            headers={"ETag": etag_of(error.current)},
            version=error.current,
        ) from error
    except RefusedError as error:
        status, title = _STATUS[error.refusal]
        raise ProblemError(status, title, str(error), remedy=error.remedy) from error


def etag_of(version: int) -> str:
    """The entity tag of a case at ``version``, as If-Match takes it."""
    return f'"{version}"'
