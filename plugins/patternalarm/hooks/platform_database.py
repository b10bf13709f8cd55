"""The platform's PostgreSQL database, as the role that runs write with."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import psycopg
from airflow.sdk import BaseHook

from patternalarm.contracts.tables import PLATFORM_ROLE
from patternalarm.postgres import Database, connect, unusable
from patternalarm.settings import Settings, get_settings

T = TypeVar("T")


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
        try:
            connection = connect(self.settings, PLATFORM_ROLE)
        except psycopg.OperationalError as error:
            raise self._unusable(error) from error
        with connection:
            yield connection

    def write(self, what: str, work: Callable[[psycopg.Connection[Any]], T]) -> T:
        """What ``work`` returns, which runs in one transaction that is committed exactly once: see ``Database.write``.

        Raises:
            PlatformDatabaseError: PostgreSQL cannot be reached, or refuses the role.
        """
        with Database(self.settings, PLATFORM_ROLE) as database:
            try:
                return database.write(what, work)
            except psycopg.OperationalError as error:
                raise self._unusable(error) from error

    def _unusable(self, error: psycopg.OperationalError) -> PlatformDatabaseError:
        return PlatformDatabaseError(unusable(self.settings, error))
