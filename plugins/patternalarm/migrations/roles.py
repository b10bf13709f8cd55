"""Create the platform's roles and databases: ``python -m patternalarm.migrations.roles --superuser-dsn DSN``.

Idempotent: run again, it sets the passwords of ``settings`` anew and changes nothing else.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Final

import psycopg
from psycopg import sql

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.exit_codes import ExitCode
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
from patternalarm.postgres import PASSWORD_SETTINGS, connect_once
from patternalarm.remedies import WRITE_SECRETS
from patternalarm.retrying import retrying
from patternalarm.settings import Settings, get_settings

logger = logging.getLogger(__name__)

# The dashboards' role is the wall in front of everything a viewer may type into SQL Lab.
READER_LIMITS: Final[dict[str, str]] = {"default_transaction_read_only": "on", "statement_timeout": "15s"}


class MissingPasswordError(ValueError):
    """A role has no password in the settings."""


def password_of(settings: Settings, role: str) -> str:
    """Password of ``role``.

    Raises:
        MissingPasswordError: it is empty.
    """
    name = PASSWORD_SETTINGS[role]
    password: str = getattr(settings, name)
    if not password:
        raise MissingPasswordError(f"role {role} has no password: set PATTERNALARM_{name.upper()}, or {WRITE_SECRETS}")
    return password


def _ensure_role(connection: psycopg.Connection, role: str, password: str) -> None:
    exists = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
    # Hashed here, so that the server's log never holds the password itself.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(
            sql.SQL("ALTER" if exists else "CREATE"), sql.Identifier(role), sql.Literal(verifier)
        )
    )


def _ensure_database(connection: psycopg.Connection, database: str, owner: str, users: Sequence[str]) -> None:
    name = sql.Identifier(database)
    if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(owner)))
        logger.info("created database %s, owner %s", database, owner)
    connection.execute(sql.SQL("REVOKE CONNECT, TEMPORARY ON DATABASE {} FROM PUBLIC").format(name))
    for user in users:
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(name, sql.Identifier(user)))


def ensure_roles(settings: Settings, superuser_dsn: str) -> None:
    """Create every role of the contracts with its password, and the three databases with their owners.

    Raises:
        MissingPasswordError: a role has no password; nothing was changed.
        psycopg.OperationalError: PostgreSQL is not reachable with ``superuser_dsn``.
        psycopg.errors.InsufficientPrivilege: its user is no superuser.
    """
    passwords = {role: password_of(settings, role) for role in PASSWORD_SETTINGS}
    with connect_once(superuser_dsn, autocommit=True) as connection:
        for role, password in passwords.items():
            _ensure_role(connection, role, password)
        # The migrations create dbt's schemas in its name, which asks for membership.
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(DBT_ROLE), sql.Identifier(OWNER_ROLE)))
        for parameter, value in READER_LIMITS.items():
            connection.execute(
                sql.SQL("ALTER ROLE {} SET {} = {}").format(
                    sql.Identifier(READER_ROLE), sql.Identifier(parameter), sql.Literal(value)
                )
            )
        platform_users = (SCORER_ROLE, PLATFORM_ROLE, DBT_ROLE, READER_ROLE, API_ROLE)
        _ensure_database(connection, settings.database, OWNER_ROLE, platform_users)
        _ensure_database(connection, settings.airflow_database, AIRFLOW_ROLE, ())
        _ensure_database(connection, settings.superset_database, SUPERSET_ROLE, ())
        # dbt's incremental models go through temporary tables.
        connection.execute(
            sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(
                sql.Identifier(settings.database), sql.Identifier(DBT_ROLE)
            )
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit code 2 when a password is missing or PostgreSQL refuses."""
    parser = ArgumentParser(prog="patternalarm.migrations.roles", description=__doc__)
    parser.add_argument(
        "--superuser-dsn",
        required=True,
        help="libpq connection string of the cluster's superuser, like 'host=/run/postgresql port=15432 user=postgres'",
    )
    arguments = parser.parse_args(argv)
    settings = get_settings()
    try:
        retrying("make roles and databases", settings.patience_seconds)(ensure_roles, settings, arguments.superuser_dsn)
    except MissingPasswordError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_INPUT
    except (psycopg.OperationalError, psycopg.errors.InsufficientPrivilege) as error:
        cause = str(error).strip().splitlines()[0]
        sys.stderr.write(f"cannot create roles and databases: {cause}; start PostgreSQL, connect as its superuser\n")
        return ExitCode.BAD_INPUT
    sys.stdout.write(f"{len(PASSWORD_SETTINGS)} roles and 3 databases are there\n")
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(main())
