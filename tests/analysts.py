"""Analysts in tests of the API: their headers, and the connections that their calls go through."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg_pool import AsyncConnectionPool

from patternalarm.contracts.tables import API_ROLE
from patternalarm.settings import Settings


@asynccontextmanager
async def open_pool(settings: Settings, connections: int = 4) -> AsyncIterator[AsyncConnectionPool]:
    """So many connections of the API's role."""
    async with AsyncConnectionPool(
        settings.dsn(API_ROLE, settings.api_password),
        min_size=1,
        max_size=connections,
        kwargs={"autocommit": True},
        open=False,
    ) as pool:
        yield pool


def as_analyst(name: str, version: int | None = None) -> dict[str, str]:
    """Headers of an analyst who saw a case at ``version``."""
    return {"who": f"{name} analyst"} | ({} if version is None else {"If-Match": f'"{version}"'})
