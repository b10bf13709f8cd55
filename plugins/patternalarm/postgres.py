"""Connections to PostgreSQL: made here alone, waited for; and writes that happen once though the connection is lost."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg

from patternalarm.contracts.tables import (
    AIRFLOW_ROLE,
    API_ROLE,
    DBT_ROLE,
    OWNER_ROLE,
    PLATFORM_ROLE,
    READER_ROLE,
    SCORER_ROLE,
    SUPERSET_ROLE,
)
from patternalarm.remedies import START_PLATFORM
from patternalarm.retrying import retrying
from patternalarm.settings import Settings

Connection = psycopg.Connection[Any]
T = TypeVar("T")

# Setting of ``Settings`` that holds a role's password.
PASSWORD_SETTINGS: Final[dict[str, str]] = {
    OWNER_ROLE: "owner_password",
    SCORER_ROLE: "scorer_password",
    PLATFORM_ROLE: "platform_password",
    DBT_ROLE: "dbt_password",
    READER_ROLE: "reader_password",
    API_ROLE: "api_password",
    AIRFLOW_ROLE: "airflow_db_password",
    SUPERSET_ROLE: "superset_db_password",
}

_CONNECT_TIMEOUT_SECONDS: Final = 10


def connect(settings: Settings, role: str, **options: Any) -> Connection:
    """A connection of ``role`` to the platform's database; ``options`` go to ``psycopg.connect``.

    Raises:
        psycopg.OperationalError: PostgreSQL refuses the role, or cannot be reached as long as patience lasts.
    """
    return retrying("connect to PostgreSQL", settings.patience_seconds)(connect_once, dsn_of(settings, role), **options)


def connect_once(dsn: str, **options: Any) -> Connection:
    """A connection by libpq's connection string, asked for once; ``options`` go to ``psycopg.connect``.

    Raises:
        psycopg.OperationalError: PostgreSQL refuses, or cannot be reached.
    """
    return psycopg.connect(dsn, connect_timeout=_CONNECT_TIMEOUT_SECONDS, **options)


def dsn_of(settings: Settings, role: str) -> str:
    """Connection string of ``role`` to the platform's database."""
    return settings.dsn(role, getattr(settings, PASSWORD_SETTINGS[role]))


def unusable(settings: Settings, error: psycopg.Error) -> str:
    """What to tell a person about an error that was not waited out."""
    return (
        f"PostgreSQL at {settings.address('postgres')} cannot be used ({str(error).strip().splitlines()[0]}): "
        f"{START_PLATFORM}"
    )


class Database:
    """The platform's database as one role, over one connection that is made anew when it is lost. Not thread-safe.

    Args:
        settings: where PostgreSQL is, the role's password, and the patience.
        role: the role.
    """

    def __init__(self, settings: Settings, role: str) -> None:
        self._settings, self._role = settings, role
        self._connection: Connection | None = None

    def __enter__(self) -> "Database":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, what: str, work: Callable[[Connection], T]) -> T:
        """What ``work`` returns, which runs in one transaction that is committed exactly once.

        An error that passes by itself is waited out. ``work`` is done again only if its transaction was rolled back: a
        commit whose answer was lost is looked up.

        Args:
            what: the work in words, for the log.
            work: writes through the connection; it must change nothing else.

        Raises:
            psycopg.Error: PostgreSQL refuses, or the error outlasts patience.
        """
        transaction = ""
        result: T

        def attempt() -> T:
            nonlocal transaction, result
            try:
                connection = self._connected()
                if transaction and self._was_committed(connection, transaction):
                    return result
                with connection.transaction():
                    transaction = str(_scalar(connection, "SELECT pg_current_xact_id()"))
                    result = work(connection)
                return result
            except psycopg.Error:
                self.close()
                raise

        return retrying(what, self._settings.patience_seconds)(attempt)

    def close(self) -> None:
        """Leave PostgreSQL; the next write connects again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect_once(dsn_of(self._settings, self._role), autocommit=True)
        return self._connection

    @staticmethod
    def _was_committed(connection: Connection, transaction: str) -> bool:
        outcome = _scalar(connection, "SELECT pg_xact_status(%s::text::xid8)", transaction)
        if outcome == "in progress":
            raise psycopg.errors.TransactionResolutionUnknown(f"transaction {transaction} has not ended yet")
        return bool(outcome == "committed")


def _scalar(connection: Connection, query: str, *parameters: object) -> Any:
    row = connection.execute(query, parameters).fetchone()
    return None if row is None else row[0]
