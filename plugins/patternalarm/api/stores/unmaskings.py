"""Who saw personal fields in the clear, and why."""

from collections.abc import Sequence
from typing import Final

from patternalarm.api.database import Pool
from patternalarm.contracts.tables import UNMASKING

_NOTE: Final = f"""
INSERT INTO {UNMASKING} (subject, reason, unmasked_by) SELECT subject, %s, %s FROM unnest(%s::text[]) AS subject
"""


async def note_unmaskings(pool: Pool, subjects: Sequence[str], reason: str, by: str) -> None:
    """Record that ``by`` is shown personal fields of ``subjects``."""
    async with pool.connection() as connection:
        await connection.execute(_NOTE, (reason, by, list(subjects)))
