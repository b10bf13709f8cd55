"""Velocity is written beside the sending of events, whatever PostgreSQL does."""

import threading

import numpy as np
import pytest

from patternalarm.generator.publishing.shard_ledger import VelocityLog


class Away:
    """A database that takes nothing until it is back."""

    def __init__(self, error=None):
        self.back, self.written, self.error, self.closed = threading.Event(), [], error, False

    def write(self, what, work):
        assert self.back.wait(30)
        if self.error:
            raise self.error
        work(self)

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def executemany(self, query, rows):
        self.written += [(int(row[2].timestamp()), row[3]) for row in rows]

    def close(self):
        self.closed = True


def test_events_do_not_wait_for_postgresql():
    database = Away()
    log = VelocityLog(database, "run-1", "toll")
    log.add(np.array([1_000, 2_000, 11_000]))
    log.write_until(10.0)
    log.add(np.array([12_000, 21_000]))
    log.write_until(20.0)
    assert database.written == []
    database.back.set()
    log.finish()
    assert database.written == [(0, 2), (10, 2), (20, 1)]
    assert database.closed


def test_what_postgresql_refuses_is_told_at_the_end():
    database = Away(ValueError("no such table"))
    log = VelocityLog(database, "run-1", "toll")
    log.add(np.array([1_000]))
    log.write_until(10.0)
    database.back.set()
    with pytest.raises(ValueError, match="no such table"):
        log.finish()
