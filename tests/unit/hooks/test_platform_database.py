"""Connections of runs, with PostgreSQL's answers scripted; tests/integration/test_postgres.py asks the real one."""

import psycopg
import pytest

from patternalarm import postgres
from patternalarm.hooks.platform_database import PlatformDatabaseError, PlatformDatabaseHook
from patternalarm.settings import Settings


class Server:
    def __init__(self, *answers):
        self.answers, self.asked = list(answers), 0

    def connect(self, *_, **__):
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Connection:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@pytest.fixture
def server(monkeypatch):
    def script(*answers):
        server = Server(*answers)
        monkeypatch.setattr(postgres.psycopg, "connect", server.connect)
        return server

    return script


def refusal(text):
    return psycopg.OperationalError(f'connection to server at "127.0.0.1", port 15432 failed: FATAL:  {text}')


def test_a_server_that_starts_or_is_full_is_waited_for(server, clock):
    there = Connection()
    asked = server(
        psycopg.OperationalError("Connection refused"),
        refusal("the database system is starting up"),
        refusal("sorry, too many clients already"),
        there,
    )
    with PlatformDatabaseHook(Settings()).connect() as connection:
        assert connection is there
    assert asked.asked == 4 and len(clock.waits) == 3


@pytest.mark.parametrize("text", ['password authentication failed for user "x"', 'database "y" does not exist'])
def test_a_refused_login_is_told_at_once(server, clock, text):
    asked = server(refusal(text))
    with (
        pytest.raises(PlatformDatabaseError, match=f"{text}.*make up"),
        PlatformDatabaseHook(Settings()).connect(),
    ):
        pass
    assert asked.asked == 1 and clock.waits == []


def test_patience_ends_with_the_last_error(server, clock):
    server(refusal("the database system is in recovery mode"))
    with (
        pytest.raises(PlatformDatabaseError, match="recovery mode"),
        PlatformDatabaseHook(Settings(patience_seconds=30)).connect(),
    ):
        pass
    assert 20 < sum(clock.waits) < 30
