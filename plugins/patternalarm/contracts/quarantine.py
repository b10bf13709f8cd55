"""Quarantine: records that a stage could not take. It counts them by name, keeps their bytes and goes on without them.

The alert writer alone writes ``alerting.quarantined_record``; another stage passes on what it cannot take through the
evidence topic, as ``QUARANTINE_COLUMNS`` in place of evidence.
"""

from enum import StrEnum
from typing import Final


class Stage(StrEnum):
    """Who could not take a record."""

    SCORER = "scorer"
    ARCHIVE = "archive"
    ALERT_WRITER = "alert_writer"


class QuarantineReason(StrEnum):
    """Why a record is in quarantine."""

    BREAKS_CONTRACT = "breaks_contract"
    """It is not what the contract of its topic says."""
    REFUSED_BY_DATABASE = "refused_by_database"
    """It is, but PostgreSQL does not take its data."""


# ``topic``, ``partition`` and ``offset`` are those of the record itself; ``raw`` is base64 of its bytes,
# MAX_EVENT_BYTES of them at most.
QUARANTINE_COLUMNS: Final[dict[str, str]] = {
    "stage": "STRING",
    "topic": "STRING",
    "partition": "INT",
    "offset": "BIGINT",
    "reason": "STRING",
    "detail": "STRING",
    "raw": "BYTES",
}
