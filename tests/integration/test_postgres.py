"""Connections and writes that outlast what passes by itself, on the real PostgreSQL."""

import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kafka_broker import free_port
from lossy_proxy import lossy_proxy
from migrated_database import migrated_database, superuser_dsn

from patternalarm.contracts.tables import PLATFORM_ROLE, RUN_VELOCITY
from patternalarm.passing_errors import passes_by_itself
from patternalarm.postgres import Database, connect
from patternalarm.settings import Settings


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """Settings with migrated databases of this module's own."""
    with migrated_database("postgres") as own:
        yield own.model_copy(update={"patience_seconds": 20.0})


@pytest.fixture
def attempts(monkeypatch):
    """What every attempt to connect ended with: None, or its error."""
    made, real = [], psycopg.connect

    def connect_and_note(*arguments, **options):
        try:
            connection = real(*arguments, **options)
        except psycopg.Error as error:
            made.append(error)
            raise
        made.append(None)
        return connection

    monkeypatch.setattr(psycopg, "connect", connect_and_note)
    return made


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"platform_password": "wrong"}, "password authentication failed"),
        ({"platform_password": ""}, "no password supplied"),
        ({"database": "nowhere"}, "does not exist"),
        ({"database": "postgres"}, "permission denied for database"),
    ],
)
def test_a_refused_login_fails_at_the_first_attempt(settings, attempts, changes, said):
    if changes == {"database": "postgres"}:
        # A role that may not connect: the superuser's own database is closed to it.
        with psycopg.connect(superuser_dsn(), autocommit=True) as superuser:
            superuser.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
        attempts.clear()
    try:
        with pytest.raises(psycopg.OperationalError, match=said):
            connect(settings.model_copy(update=changes), PLATFORM_ROLE)
    finally:
        if changes == {"database": "postgres"}:
            refused = list(attempts)
            with psycopg.connect(superuser_dsn(), autocommit=True) as superuser:
                superuser.execute("GRANT CONNECT ON DATABASE postgres TO PUBLIC")
            attempts[:] = refused
    assert len(attempts) == 1 and not passes_by_itself(attempts[0])


def test_a_refused_port_is_tried_again_until_patience_ends(settings, attempts):
    closed = settings.model_copy(update={"postgres_port": free_port(), "patience_seconds": 1.0})
    with pytest.raises(psycopg.OperationalError, match="Connection refused"):
        connect(closed, PLATFORM_ROLE)
    assert len(attempts) > 1 and all(passes_by_itself(error) for error in attempts)


def test_a_full_server_is_waited_for(settings, attempts):
    with psycopg.connect(superuser_dsn(), autocommit=True) as superuser:
        superuser.execute(f"ALTER ROLE {PLATFORM_ROLE} CONNECTION LIMIT 1")
        try:
            holding = connect(settings, PLATFORM_ROLE)
            attempts.clear()
            with pytest.raises(psycopg.OperationalError, match="too many connections"):
                connect(settings.model_copy(update={"patience_seconds": 0.5}), PLATFORM_ROLE)
            assert passes_by_itself(attempts[0])
            holding.close()
            connect(settings, PLATFORM_ROLE).close()
        finally:
            superuser.execute(f"ALTER ROLE {PLATFORM_ROLE} CONNECTION LIMIT -1")


def _add(connection: psycopg.Connection, run_id: str) -> None:
    connection.execute(
        f"INSERT INTO {RUN_VELOCITY} AS known (run_id, domain, bucket_start, events) VALUES (%s, 'toll', 'epoch', 1)"
        " ON CONFLICT (run_id, domain, bucket_start) DO UPDATE SET events = known.events + 1",
        (run_id,),
    )


def _added(settings: Settings, run_id: str) -> int:
    with psycopg.connect(superuser_dsn(), dbname=settings.database) as connection:
        row = connection.execute(f"SELECT events FROM {RUN_VELOCITY} WHERE run_id = %s", (run_id,)).fetchone()
    return row[0] if row else 0


def _end(database: Database, settings: Settings) -> None:
    pid = database.write("ask", lambda connection: connection.info.backend_pid)
    with psycopg.connect(superuser_dsn(), autocommit=True) as superuser:
        superuser.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_a_write_over_a_lost_connection_is_made_over_a_new_one(settings):
    with Database(settings, PLATFORM_ROLE) as database:
        for _ in range(5):
            _end(database, settings)
            database.write("count", lambda connection: _add(connection, "lost-between"))
    assert _added(settings, "lost-between") == 5


def test_a_commit_whose_answer_is_lost_is_not_done_again(settings):
    with lossy_proxy(settings.postgres_port) as proxy:
        through = settings.model_copy(update={"postgres_port": proxy.port})
        with Database(through, PLATFORM_ROLE) as database:
            for _ in range(5):
                proxy.lose_answers_to(b"COMMIT", times=1)
                assert database.write("count", lambda connection: _add(connection, "lost-answer") or "done") == "done"
    assert proxy.lost == 5
    assert _added(settings, "lost-answer") == 5


def test_what_postgresql_refuses_is_told_at_once_and_rolled_back(settings):
    tried = []

    def work(connection):
        tried.append(1)
        _add(connection, "refused")
        connection.execute("SELECT 1 / 0")

    with Database(settings, PLATFORM_ROLE) as database, pytest.raises(psycopg.errors.DivisionByZero):
        database.write("divide", work)
    assert len(tried) == 1
    assert _added(settings, "refused") == 0


def test_a_deadlock_is_waited_out(settings):
    tried = []

    def work(connection):
        tried.append(1)
        _add(connection, "deadlock")
        if len(tried) < 3:
            connection.execute("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$")

    with Database(settings, PLATFORM_ROLE) as database:
        database.write("count", work)
    assert (len(tried), _added(settings, "deadlock")) == (3, 1)
