"""The platform's PostgreSQL database, as the role that runs write with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from airflow.sdk import BaseHook

from patternalarm.contracts.tables import PLATFORM_ROLE
from patternalarm.postgres import connect
from patternalarm.settings import Settings, get_settings


class PlatformDatabaseError(RuntimeError):
    """PostgreSQL cannot be reached or lets nobody in; the message says why and what to do."""


class PlatformDatabaseHook(BaseHook):  # type: ignore[misc]
    """Connections to the platform's database.

    Args:
        settings: where PostgreSQL listens; those of the environment by default.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        super().__init__()
        self.settings = settings or get_settings()

    @contextmanager
    def connect(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that commits when the block ends well and rolls back when it does not.

        Raises:
            PlatformDatabaseError: PostgreSQL cannot be reached, or refuses the role.
        """
        settings = self.settings
        try:
            connection = connect(settings, PLATFORM_ROLE)
        except psycopg.OperationalError as error:
            raise PlatformDatabaseError(
                f"PostgreSQL cannot be used at {settings.host}:{settings.postgres_port} ({str(error).strip()}): "
                "start the platform with `make up`, then see `make status`"
            ) from error
        with connection:
            yield connection
