"""What streams are told: every change, in order, and those that became visible late."""

import asyncio
import uuid

import psycopg
import pytest
from analysts import open_pool
from migrated_database import superuser_dsn

from patternalarm.api.stores.cases import CaseStore
from patternalarm.api.stores.changes import ChangeFeed
from patternalarm.api.stores.cursors import CursorError
from patternalarm.contracts.cases import CaseAction
from patternalarm.contracts.tables import ALERT


def _scope():
    return f"run-{uuid.uuid4().hex[:8]}"


def _ids(changes):
    return [change.alert.alert_id for change in changes]


def test_a_feed_tells_alerts_and_cases_and_resumes(settings, raise_alert):
    scope = _scope()

    async def follow():
        async with open_pool(settings) as pool:
            before = raise_alert(scope=scope)
            feed = ChangeFeed(pool, scope)
            assert await feed.next() == []
            first, second, third = (raise_alert(scope=scope) for _ in range(3))
            raise_alert(scope=_scope())
            told = await feed.next(most=2)
            assert _ids(told) == [first, second]
            assert _ids(await feed.next()) == [third]
            assert await feed.next() == []
            await CaseStore(pool).act(before, 0, CaseAction.NOTE, "dana", note="seen")
            (change,) = await feed.next()
            assert (change.alert.alert_id, change.alert.case.version) == (before, 1)
            resumed = _ids(await ChangeFeed(pool, scope, told[-1].cursor).next())
            # At least what came after the cursor, in order, and nothing of before twice.
            assert resumed[-2:] == [third, before]
            assert len(resumed) == len(set(resumed))
            with pytest.raises(CursorError):
                ChangeFeed(pool, "live", change.cursor)

    asyncio.run(follow())


def test_a_change_that_becomes_visible_late_is_told(settings, raise_alert):
    scope = _scope()
    late = raise_alert(scope=scope)

    async def follow():
        async with open_pool(settings) as pool:
            feed = ChangeFeed(pool, scope)
            await feed.next()
            with psycopg.connect(superuser_dsn(), dbname=settings.database) as writer:
                writer.execute(f"UPDATE {ALERT} SET updated_at = clock_timestamp() WHERE alert_id = %s", (late,))
                early = raise_alert(scope=scope)
                assert _ids(await feed.next()) == [early]
                writer.commit()
            assert _ids(await feed.next()) == [late]
            assert await feed.next() == []

    asyncio.run(follow())


def test_what_was_changed_again_later_hides_nothing_of_between(settings, raise_alert):
    scope = _scope()

    async def follow():
        async with open_pool(settings) as pool:
            marker = raise_alert(scope=scope)
            feed = ChangeFeed(pool, scope)
            await feed.next()
            await CaseStore(pool).act(marker, 0, CaseAction.NOTE, "dana", note="here")
            (begin,) = await feed.next()
            ids = [raise_alert(scope=scope) for _ in range(6)]
            await CaseStore(pool).act(ids[0], 0, CaseAction.NOTE, "dana", note="an early one")
            resumed = ChangeFeed(pool, scope, begin.cursor)
            told: list[str] = []
            while changes := await resumed.next(most=2):
                told += _ids(changes)
            assert set(ids) <= set(told)

    asyncio.run(follow())
