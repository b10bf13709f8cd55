"""Databases of a test session's own: roles, migrations and all, on the PostgreSQL that the environment names."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from infra.local.configuration import read_env_file
from psycopg import sql

from patternalarm.migrations.roles import ensure_roles
from patternalarm.migrations.upgrade import upgrade
from patternalarm.postgres import PASSWORD_SETTINGS
from patternalarm.settings import Settings, get_settings


def superuser_dsn() -> str:
    """Connection string of PostgreSQL's superuser: the one that the environment names, or that of the platform that is up."""
    base = get_settings()
    password = read_env_file(base.home / "secrets.env").get("PATTERNALARM_SUPERUSER_PASSWORD", "")
    return os.environ.get(
        "PATTERNALARM_TEST_SUPERUSER_DSN",
        "host={} port={} user=postgres dbname=postgres password={}".format(*base.address("postgres"), password or "''"),
    )


@contextmanager
def migrated_database(name: str, revision: str = "head") -> Iterator[Settings]:
    """Settings with new databases at ``revision``, dropped afterwards. Roles that have a password in the settings keep it."""
    base, mark = get_settings(), uuid.uuid4().hex[:8]
    databases = {
        setting: f"test_{name}_{setting}_{mark}" for setting in ("database", "airflow_database", "superset_database")
    }
    passwords = {setting: getattr(base, setting) or "test" for setting in PASSWORD_SETTINGS.values()}
    settings = base.model_copy(update={**databases, **passwords})
    ensure_roles(settings, superuser_dsn())
    upgrade(settings, revision)
    yield settings
    with psycopg.connect(superuser_dsn(), autocommit=True) as connection:
        for database in databases.values():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
