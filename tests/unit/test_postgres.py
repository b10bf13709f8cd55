"""What a person, and the command lines that make the database, see of a PostgreSQL that comes back or stays away."""

import io

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from patternalarm import postgres
from patternalarm.cli.errors import PlatformError
from patternalarm.cli.report import show_report
from patternalarm.migrations import roles, upgrade
from patternalarm.settings import Settings

REFUSED = psycopg.OperationalError(
    'connection to server at "127.0.0.1", port 15432 failed: Connection refused\nIs it up?'
)


def wrapped(error):
    """As SQLAlchemy raises it."""
    try:
        try:
            raise error
        except psycopg.Error as original:
            raise OperationalError("SELECT 1", {}, original) from original
    except OperationalError as raised:
        return raised


@pytest.mark.parametrize(
    ("module", "work", "argv", "error"),
    [
        (roles, "ensure_roles", ["--superuser-dsn", "host=x"], REFUSED),
        (upgrade, "upgrade", [], wrapped(REFUSED)),
    ],
)
def test_the_commands_that_make_the_database_wait_for_a_server_that_starts(monkeypatch, module, work, argv, error):
    answers = [error, error, "0003"]

    def answer(*_):
        if isinstance(said := answers.pop(0), Exception):
            raise said
        return said

    monkeypatch.setattr(module, work, answer)
    monkeypatch.setattr(module, "get_settings", lambda: Settings(patience_seconds=30))
    assert module.main(argv) == 0
    assert answers == []


def test_a_report_that_postgres_does_not_give_is_told_in_one_sentence(monkeypatch):
    def refuse(*_, **__):
        raise REFUSED

    monkeypatch.setattr(postgres.psycopg, "connect", refuse)
    with pytest.raises(PlatformError) as told:
        show_report(Settings(patience_seconds=0), "load-test-1", io.StringIO())
    assert str(told.value) == (
        'no report of load-test-1: PostgreSQL at 127.0.0.1:15432 cannot be used (connection to server at "127.0.0.1", '
        "port 15432 failed: Connection refused): start the platform with `make up`, then see `make status`"
    )
