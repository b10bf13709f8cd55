"""Roles, databases and migrations on a real PostgreSQL."""

import sys
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from migrated_database import migrated_database, superuser_dsn

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
from patternalarm.migrations import roles
from patternalarm.migrations.roles import PASSWORD_SETTINGS, ensure_roles, password_of
from patternalarm.migrations.upgrade import upgrade


@pytest.fixture(scope="module")
def settings():
    with migrated_database("roles") as own:
        yield own


def _connect(settings, role, database=None):
    return psycopg.connect(settings.dsn(role, password_of(settings, role), database), autocommit=True)


def test_every_role_logs_in_to_its_own_database_and_to_no_other(settings):
    homes = {
        settings.database: {OWNER_ROLE, SCORER_ROLE, PLATFORM_ROLE, DBT_ROLE, READER_ROLE, API_ROLE},
        settings.airflow_database: {AIRFLOW_ROLE},
        settings.superset_database: {SUPERSET_ROLE},
    }
    for database, members in homes.items():
        for role in PASSWORD_SETTINGS:
            if role in members:
                _connect(settings, role, database).close()
            else:
                with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                    _connect(settings, role, database)


def test_no_role_is_more_than_it_must_be(settings):
    with psycopg.connect(superuser_dsn()) as connection:
        rows = connection.execute(
            "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolcreatedb OR rolcreaterole)",
            (list(PASSWORD_SETTINGS),),
        ).fetchall()
        stored = connection.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = ANY(%s)", (list(PASSWORD_SETTINGS),)
        ).fetchall()
    assert rows == []
    assert len(stored) == len(PASSWORD_SETTINGS)
    assert all(password.startswith("SCRAM-SHA-256$") for (password,) in stored)


def test_all_of_it_again_changes_nothing_that_was_stored(settings):
    with _connect(settings, PLATFORM_ROLE) as connection:
        connection.execute("INSERT INTO platform.run_velocity VALUES ('r', 'toll', now(), 5)")
    ensure_roles(settings, superuser_dsn())
    assert upgrade(settings) == upgrade(settings)
    with _connect(settings, PLATFORM_ROLE) as connection:
        assert connection.execute("SELECT events FROM platform.run_velocity").fetchall() == [(5,)]


def test_viewers_read_marts_for_a_while_and_nothing_else(settings):
    with _connect(settings, DBT_ROLE) as dbt:
        dbt.execute("CREATE VIEW marts.newest AS SELECT alert_id FROM alerting.alert")
    with _connect(settings, READER_ROLE) as reader:
        assert reader.execute("SELECT * FROM marts.newest").fetchall() == []
        assert reader.execute("SHOW statement_timeout").fetchone() == ("15s",)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("SELECT * FROM alerting.alert")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("CREATE TABLE marts.mine (a int)")


def test_the_command_refuses_without_a_password_or_a_superuser(settings, monkeypatch, capsys):
    monkeypatch.setattr(roles, "get_settings", lambda: settings.model_copy(update={"dbt_password": ""}))
    assert roles.main(["--superuser-dsn", superuser_dsn()]) == 2
    assert "role patternalarm_dbt has no password: set PATTERNALARM_DBT_PASSWORD" in capsys.readouterr().err
    monkeypatch.setattr(roles, "get_settings", lambda: settings)
    assert roles.main(["--superuser-dsn", settings.dsn(DBT_ROLE, settings.dbt_password)]) == 2
    assert "connect as its superuser" in capsys.readouterr().err
