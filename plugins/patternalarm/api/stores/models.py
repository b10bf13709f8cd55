"""Promoted models, as they are recorded."""

from typing import Any, Final

from psycopg.rows import dict_row

from patternalarm.api.database import Pool
from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.contracts.tables import MODEL_VERSION

_PROMOTED: Final = f"""
SELECT DISTINCT ON (domain) domain, version, feature_set, pack_version, thresholds, metrics, trained_at, promoted_at
FROM {MODEL_VERSION} WHERE scope = %s AND promoted_at IS NOT NULL ORDER BY domain, promoted_at DESC
"""


async def promoted_models(pool: Pool) -> list[dict[str, Any]]:
    """The model that serves each domain, by domain."""
    async with pool.connection() as connection, connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_PROMOTED, (LIVE_SCOPE,))
        return await cursor.fetchall()
