"""Rules of cases and allow-lists, as the database holds them, and the rights of the API's role."""

import itertools
import random
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from migrated_database import migrated_database, superuser_dsn

from patternalarm.contracts.refusals import Refusal
from patternalarm.contracts.tables import (
    ALERT,
    ALERT_EVENT,
    ALLOW_LIST,
    ALLOW_LIST_DECISION,
    ALLOW_LIST_ENTRY,
    API_ROLE,
    CASE_EVENT,
    CASE_STATE,
    CONSUMER_OFFSET,
    OWNER_ROLE,
)
from patternalarm.migrations.upgrade import upgrade

NEW_ALERT = f"""
INSERT INTO {ALERT} (alert_id, scope, domain, subject_type, subject_id, fraud_type, episode, severity, severity_rank,
    reasons, first_event_time, last_event_time, trigger_event_time, first_source, detected_at, updated_at, event_count,
    amount_at_risk, pack_version)
VALUES (%s, 'live', 'toll', 'actor', 'car-1', 'gate_run', 1, 'high', 2, '[]', now(), now(), now(), 'score', now(), now(),
    1, 0, '1')
"""


@pytest.fixture(scope="module")
def settings():
    with migrated_database("cases") as own:
        yield own


@pytest.fixture
def api(settings):
    dsn = settings.dsn(API_ROLE, settings.api_password)
    with psycopg.connect(dsn, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture(scope="module")
def new_alert(settings):
    numbers = itertools.count()

    def make():
        with psycopg.connect(superuser_dsn(), dbname=settings.database) as superuser:
            alert_id = f"alert-{next(numbers)}"
            superuser.execute(NEW_ALERT, (alert_id,))
        return alert_id

    return make


def _act(api, alert_id, version, action, **values):
    row = {"alert_id": alert_id, "version": version, "action": action, "written_by": "dana", "note": "seen", **values}
    api.execute(
        f"INSERT INTO {CASE_EVENT} ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))})", tuple(row.values())
    )


@dataclass(frozen=True)
class Twin:
    """Where a case stands, by the rules in words of their own."""

    version: int = 0
    status: str = "open"
    assignee: str | None = None
    disposition: str | None = None
    snoozed_until: datetime | None = None

    def after(self, action, assignee=None, disposition=None, snoozed_until=None):
        """Where it stands then; None when that cannot be done."""
        closed, then = self.status == "closed", replace(self, version=self.version + 1)
        match action:
            case "note":
                return then
            case "reopen" if closed:
                return replace(then, disposition=None, status="in_review" if self.assignee else "open")
            case "disposition" if not closed:
                return replace(then, status="closed", disposition=disposition, snoozed_until=None)
            case "assign" if not closed:
                status = "in_review" if assignee else "open"
                return replace(then, assignee=assignee, status=status, snoozed_until=None)
            case "snooze" if not closed:
                return replace(then, snoozed_until=snoozed_until)
        return None


@pytest.mark.parametrize("seed", range(5))
def test_a_case_stands_where_its_history_leaves_it(api, new_alert, seed):
    chance, alert_id, twin = random.Random(seed), new_alert(), Twin()
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    choices = [
        ("note", {}),
        ("reopen", {}),
        ("assign", {"assignee": "kim"}),
        ("assign", {"assignee": None}),
        ("snooze", {"snoozed_until": tomorrow}),
        ("disposition", {"disposition": "false_positive"}),
        ("disposition", {"disposition": "confirmed_fraud"}),
    ]
    for _ in range(40):
        action, values = chance.choice(choices)
        then = twin.after(action, **values)
        if then is None:
            with pytest.raises(psycopg.DatabaseError) as refused:
                _act(api, alert_id, twin.version + 1, action, **values)
            assert refused.value.sqlstate == Refusal.NOT_IN_THIS_STATE
            assert refused.value.diag.message_hint
            continue
        _act(api, alert_id, twin.version + 1, action, **values)
        twin = then
        columns = "version, status, assignee, disposition, snoozed_until"
        (stored,) = api.execute(f"SELECT {columns} FROM {CASE_STATE} WHERE alert_id = %s", (alert_id,)).fetchall()
        assert Twin(**stored) == twin
        newest = f"SELECT {columns} FROM {CASE_EVENT} WHERE alert_id = %s ORDER BY version DESC LIMIT 1"
        assert api.execute(newest, (alert_id,)).fetchone() == stored


@pytest.mark.parametrize("version", [0, 1, 3, None])
def test_a_version_that_is_not_the_next_one_is_refused(api, new_alert, version):
    alert_id = new_alert()
    _act(api, alert_id, 1, "assign", assignee="kim")
    with pytest.raises(psycopg.DatabaseError) as refused:
        _act(api, alert_id, version, "note")
    expected = Refusal.STALE_VERSION if version is not None else "23502"
    assert refused.value.sqlstate == expected


@pytest.mark.parametrize(
    ("action", "values"),
    [
        ("disposition", {}),
        ("disposition", {"disposition": "false_positive", "note": None}),
        ("note", {"note": None}),
        ("snooze", {}),
        ("snooze", {"snoozed_until": datetime(2020, 1, 1, tzinfo=UTC)}),
        ("snooze", {"snoozed_until": datetime.now(UTC) + timedelta(days=91)}),
    ],
)
def test_an_action_without_what_it_needs_is_refused(api, new_alert, action, values):
    with pytest.raises(psycopg.DatabaseError) as refused:
        _act(api, new_alert(), 1, action, **values)
    assert refused.value.sqlstate == Refusal.NOT_VALID


def _propose(api, by="dana", days=1):
    query = (
        f"INSERT INTO {ALLOW_LIST_ENTRY} (domain, subject_type, subject_id, reason, expires_at, proposed_by)"
        " VALUES ('toll', 'actor', 'car-1', 'test vehicle', now() + %s, %s) RETURNING allow_list_entry_id"
    )
    return api.execute(query, (timedelta(days=days), by)).fetchone()["allow_list_entry_id"]


def _decide(api, number, decision, by):
    query = f"INSERT INTO {ALLOW_LIST_DECISION} (allow_list_entry_id, decision, decided_by) VALUES (%s, %s, %s)"
    api.execute(query, (number, decision, by))
    query = f"SELECT state FROM {ALLOW_LIST} WHERE allow_list_entry_id = %s"
    return api.execute(query, (number,)).fetchone()["state"]


def test_two_people_make_an_entry_active_and_anybody_ends_it(api):
    number = _propose(api)
    with pytest.raises(psycopg.DatabaseError) as refused:
        _decide(api, number, "approved", "dana")
    assert refused.value.sqlstate == Refusal.SAME_PERSON
    assert _decide(api, number, "approved", "kim") == "active"
    assert _decide(api, number, "revoked", "dana") == "revoked"
    for decision in ("approved", "revoked"):
        with pytest.raises(psycopg.DatabaseError) as refused:
            _decide(api, number, decision, "kim")
        assert refused.value.sqlstate == Refusal.NOT_IN_THIS_STATE


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_an_entry_ends_within_a_year(api, days):
    with pytest.raises(psycopg.DatabaseError) as refused:
        _propose(api, days=days)
    assert refused.value.sqlstate == Refusal.NOT_VALID


@pytest.mark.parametrize("table", [CASE_EVENT, ALLOW_LIST_ENTRY, ALLOW_LIST_DECISION])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "TRUNCATE {} CASCADE", "UPDATE {} SET {} = NULL"])
def test_not_even_the_owner_changes_history(settings, table, change):
    column = {CASE_EVENT: "note", ALLOW_LIST_ENTRY: "fraud_type", ALLOW_LIST_DECISION: "note"}[table]
    dsn = settings.dsn(OWNER_ROLE, settings.owner_password)
    with psycopg.connect(dsn) as owner, pytest.raises(psycopg.DatabaseError, match="append-only"):
        owner.execute(change.format(table, column))


@pytest.mark.parametrize(
    "statement",
    [
        f"UPDATE {ALERT} SET severity = 'low'",
        f"DELETE FROM {ALERT}",
        f"INSERT INTO {ALERT_EVENT} (alert_id) VALUES ('a')",
        f"UPDATE {CASE_EVENT} SET note = ''",
        f"INSERT INTO {CASE_EVENT} (alert_id, version, action, status, written_by) VALUES ('a', 1, 'note', 'open', 'me')",
        f"INSERT INTO {CASE_EVENT} (alert_id, version, action, written_at, written_by) VALUES ('a', 1, 'note', now(), 'me')",
        f"INSERT INTO {CASE_STATE} (alert_id) VALUES ('a')",
        f"UPDATE {CASE_STATE} SET status = 'open'",
        f"DELETE FROM {ALLOW_LIST_DECISION}",
        f"UPDATE {ALLOW_LIST_ENTRY} SET expires_at = now()",
        f"UPDATE {CONSUMER_OFFSET} SET next_offset = 0",
        "SELECT * FROM platform.ground_truth_event",
        "SELECT raw FROM alerting.quarantined_record",
        "DELETE FROM platform.run",
        "CREATE TABLE alerting.mine (a int)",
    ],
)
def test_the_api_s_role_writes_cases_and_lists_and_nothing_else(api, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        api.execute(statement)


def test_the_api_s_role_reads_alerts_cases_and_runs(api):
    for table in (ALERT, ALERT_EVENT, CASE_EVENT, CASE_STATE, ALLOW_LIST, "platform.run", "platform.model_version"):
        api.execute(f"SELECT * FROM {table} LIMIT 1")


def test_cases_that_were_there_before_are_numbered_and_stand_where_they_stood():
    with migrated_database("cases_before", revision="0005") as own:
        with psycopg.connect(superuser_dsn(), dbname=own.database) as superuser:
            superuser.execute(NEW_ALERT, ("a",))
            superuser.execute(
                f"INSERT INTO {CASE_EVENT} (alert_id, status, assignee, disposition, written_by) VALUES"
                " ('a', 'in_review', 'kim', NULL, 'kim'), ('a', 'closed', 'kim', 'inconclusive', 'kim')"
            )
        upgrade(own)
        with psycopg.connect(superuser_dsn(), dbname=own.database) as superuser:
            query = f"SELECT version, action, status FROM {CASE_EVENT} ORDER BY case_event_id"
            assert superuser.execute(query).fetchall() == [(1, "assign", "in_review"), (2, "disposition", "closed")]
            query = f"SELECT version, status, assignee, disposition FROM {CASE_STATE}"
            assert superuser.execute(query).fetchall() == [(2, "closed", "kim", "inconclusive")]
