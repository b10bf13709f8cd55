"""What one transaction of the alert writer leaves in PostgreSQL."""

import itertools
import json
import uuid
from decimal import Decimal

import psycopg
import pytest
from alert_material import EPISODE_MS, NOON_MS, evidence_record, hit_record, toll_pack

from patternalarm.alerts.batch import BatchBuilder
from patternalarm.alerts.findings import Found, quarantined, read_evidence, read_pattern_hit
from patternalarm.alerts.reasons import Reason
from patternalarm.alerts.store import Advance, AlertStore, AnotherWriterError, Written
from patternalarm.contracts.alerts import SEVERITY_RANK, EvidenceSource, Severity, base_severity, severity_of
from patternalarm.contracts.quarantine import QuarantineReason
from patternalarm.contracts.records import Coordinates
from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.contracts.tables import (
    ALERT,
    ALERT_EVENT,
    ALLOW_LIST_DECISION,
    ALLOW_LIST_ENTRY,
    CASE_EVENT,
    CONSUMER_OFFSET,
    QUARANTINED_RECORD,
    SCORER_ROLE,
)


class Scope:
    """A scope whose findings are written without Kafka or a model."""

    def __init__(self, connection, superuser, pack, scope=None):
        self.scope, self.pack, self.superuser = scope or f"test-{uuid.uuid4().hex[:10]}", pack, superuser
        self.topic = f"evidence.toll.{self.scope}"
        self.builder = BatchBuilder(pack, self.scope, self._score_reasons, self._pattern_reason)
        self.store = AlertStore(connection, self.scope, pack, self.builder.build)
        self.position = self.store.start_offsets({(self.topic, 0): 0})[self.topic, 0]

    @staticmethod
    def _score_reasons(evidence):
        return [[Reason("amount", one.event_id, 0.1, EvidenceSource.SCORE)] for one in evidence]

    @staticmethod
    def _pattern_reason(hit):
        return Reason(hit.pattern, hit.pattern, None, EvidenceSource.PATTERN)

    def write(self, *records, expected=None):
        found = []
        for number, record in enumerate(records):
            raw = json.dumps(record).encode()
            finding = (read_pattern_hit if "pattern" in record else read_evidence)(raw, self.pack)
            found.append(Found(finding, Coordinates(self.topic, 0, self.position + number), raw))
        expected = self.position if expected is None else expected
        advance = Advance(self.topic, 0, expected, expected + len(records))
        written = self.store.write(found, [advance])
        self.position = advance.next_offset
        return written

    def evidence(self, event_id, **changes):
        return evidence_record(self.pack, event_id, **changes)

    def alerts(self):
        query = f"SELECT *, xmin::text AS version FROM {ALERT} WHERE scope = %s ORDER BY episode, alert_id"
        return self.superuser.execute(query, (self.scope,)).fetchall()

    def alert(self):
        (alert,) = self.alerts()
        return alert

    def quarantine(self):
        query = f"SELECT * FROM {QUARANTINED_RECORD} WHERE scope = %s"
        return self.superuser.execute(query, (self.scope,)).fetchall()

    def stored_offset(self):
        query = f"SELECT next_offset FROM {CONSUMER_OFFSET} WHERE topic = %s"
        return self.superuser.execute(query, (self.topic,)).fetchone()["next_offset"]


@pytest.fixture
def scope(scorer, superuser, pack):
    return Scope(scorer, superuser, pack)


def _ms(time):
    return round(time.timestamp() * 1000)


def test_an_event_that_both_sources_hold_counts_once(scope):
    assert scope.write(scope.evidence("e2", amount_base=80.25, event_time_ms=NOON_MS + 20)) == Written(1, 0)
    hit = hit_record([("e1", NOON_MS - 30, 19.75), ("e2", NOON_MS + 20, 80.25), ("e3", NOON_MS + 50, None)])
    assert scope.write(hit) == Written(0, 1)
    alert = scope.alert()
    assert (alert["event_count"], alert["amount_at_risk"]) == (3, Decimal("100.0000"))
    assert (_ms(alert["first_event_time"]), _ms(alert["last_event_time"])) == (NOON_MS - 30, NOON_MS + 50)
    rows = scope.superuser.execute(
        f"SELECT event_id, source FROM {ALERT_EVENT} WHERE alert_id = %s ORDER BY 2, 1", (alert["alert_id"],)
    ).fetchall()
    assert [(row["event_id"], row["source"]) for row in rows] == [
        ("e1", "pattern"),
        ("e2", "pattern"),
        ("e3", "pattern"),
        ("e2", "score"),
    ]


def test_the_passport_and_the_trigger_stay_those_of_the_first_finding(scope):
    scope.write(scope.evidence("e1", type_score=0.6))
    first = scope.alert()
    scope.write(hit_record([("e1", NOON_MS, 80.0)]), scope.evidence("e2", event_time_ms=NOON_MS + 9))
    alert = scope.alert()
    for column in ("trigger_event_time", "trigger_sent_at", "detected_at", "first_source"):
        assert alert[column] == first[column], column
    assert (_ms(alert["trigger_event_time"]), _ms(alert["trigger_sent_at"])) == (NOON_MS, NOON_MS + 5)
    assert (alert["model_version"], alert["pattern_version"], alert["pack_version"]) == ("m-1", "two_gates@2", "7")


def test_severity_score_and_reasons_only_rise(scope):
    seen = []
    for event_id, type_score in (("e1", 0.55), ("e2", 0.8), ("e3", 0.55), ("e4", 0.95)):
        scope.write(scope.evidence(event_id, type_score=type_score, model_version=f"m-{event_id}"))
        alert = scope.alert()
        seen.append((alert["severity"], alert["score"], alert["model_version"], alert["reasons"][0]["text"]))
    assert seen == [
        ("medium", 0.55, "m-e1", "e1"),
        ("high", 0.8, "m-e2", "e2"),
        ("high", 0.8, "m-e2", "e2"),
        ("high", 0.95, "m-e4", "e4"),
    ]


def test_reasons_of_patterns_outlive_a_rising_score_and_are_told_once(scope):
    scope.write(scope.evidence("e1", type_score=0.6))
    scope.write(hit_record([("e1", NOON_MS, None)], severity="high"))
    scope.write(
        hit_record([("e2", NOON_MS, None)], severity="low"), hit_record([("e3", NOON_MS, None)], pattern="other")
    )
    scope.write(scope.evidence("e4", type_score=0.7))
    alert = scope.alert()
    assert [(r["source"], r["text"]) for r in alert["reasons"]] == [
        ("pattern", "two_gates"),
        ("pattern", "other"),
        ("score", "e4"),
    ]
    assert (alert["severity"], alert["score"]) == ("critical", 0.7)


def test_an_alert_of_patterns_alone_has_no_score_until_one_comes(scope):
    scope.write(hit_record([("e1", NOON_MS, None)], severity="low"))
    alert = scope.alert()
    assert (alert["score"], alert["model_version"], alert["first_source"]) == (None, None, "pattern")
    scope.write(scope.evidence("e1", type_score=0.4))
    alert = scope.alert()
    assert (alert["score"], alert["model_version"], alert["severity"]) == (0.4, "m-1", "medium")
    assert [reason["source"] for reason in alert["reasons"]] == ["pattern", "score"]


def test_what_comes_again_leaves_no_trace(scope):
    records = [scope.evidence("e1"), hit_record([("e1", NOON_MS, 80.0), ("e2", NOON_MS, 1.0)])]
    scope.write(*records)
    before = scope.alert()
    assert scope.write(*records, *records) == Written(0, 0)
    assert scope.alert() == before
    assert scope.stored_offset() == 6


@pytest.mark.parametrize("together", [True, False], ids=["one hit", "two hits"])
def test_two_actors_of_a_ring_who_use_one_event_id_have_an_event_each(scope, together):
    ring = {"subject_type": "ring", "subject_id": "ring-1"}
    ones = hit_record([("e1", NOON_MS, 30.0), ("e2", NOON_MS + 1, 5.0)], actor_id="car-1", **ring)
    anothers = hit_record([("e1", NOON_MS + 2, 70.0)], actor_id="car-2", **ring)
    if together:
        scope.write(ones | {"events": [*ones["events"], *anothers["events"]]})
    else:
        assert scope.write(ones) == Written(1, 0)
        assert scope.write(anothers) == Written(0, 1)
    alert = scope.alert()
    assert (alert["event_count"], alert["amount_at_risk"]) == (3, Decimal("105.0000"))
    rows = scope.superuser.execute(
        f"SELECT actor_id, event_id, amount FROM {ALERT_EVENT} WHERE alert_id = %s ORDER BY 1, 2", (alert["alert_id"],)
    ).fetchall()
    assert [tuple(row.values()) for row in rows] == [
        ("car-1", "e1", 30),
        ("car-1", "e2", 5),
        ("car-2", "e1", 70),
    ]
    assert scope.write(anothers, ones) == Written(0, 0)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_alerts_of_neighbouring_episodes_are_linked_in_any_order_of_arrival(scope, order):
    for shift in order:
        scope.write(scope.evidence(f"e{shift}", event_time_ms=NOON_MS + shift * EPISODE_MS))
    _assert_linked(scope)


def test_alerts_of_neighbouring_episodes_are_linked_within_one_batch(scope):
    scope.write(*[scope.evidence(f"e{i}", event_time_ms=NOON_MS + i * EPISODE_MS) for i in (2, 0, 1)])
    _assert_linked(scope)


def _assert_linked(scope):
    first, second, third = scope.alerts()
    assert [alert["related_alert_id"] for alert in (first, second, third)] == [
        None,
        first["alert_id"],
        second["alert_id"],
    ]


def test_alerts_two_episodes_or_another_type_apart_are_not_linked(scope):
    scope.write(
        scope.evidence("e1"),
        scope.evidence("e2", event_time_ms=NOON_MS + 2 * EPISODE_MS),
        scope.evidence("e3", event_time_ms=NOON_MS + EPISODE_MS, fraud_type="gate_run"),
        scope.evidence("e4", event_time_ms=NOON_MS + EPISODE_MS, actor_id="car-2"),
    )
    assert [alert["related_alert_id"] for alert in scope.alerts()] == [None] * 4


def test_events_keep_their_fields_and_features(scope):
    scope.write(scope.evidence("e1", device_id="d-1"), hit_record([("e2", NOON_MS, 5.0)]))
    rows = scope.superuser.execute(
        f"SELECT event_id, fields, features FROM {ALERT_EVENT} JOIN {ALERT} USING (alert_id) WHERE scope = %s ORDER BY 1",
        (scope.scope,),
    ).fetchall()
    told = {
        "event_type": "pass",
        "device_id": "d-1",
        "country": "AT",
        "amount": "80.0",
        "currency": "EUR",
        "lane": "video",
    }
    features = {"amount": 80.0, "lane_kind": 2.0, "passes_5m": 5.0}
    assert [(row["fields"], row["features"]) for row in rows] == [(told, features), ({}, None)]


def _allow(superuser, subject_id, *decisions, **changes):
    """A new entry of the allow-list with its decisions; its id."""
    entry = {"domain": "toll", "subject_type": "actor", "subject_id": subject_id, "fraud_type": None, **changes}
    number = superuser.execute(
        f"INSERT INTO {ALLOW_LIST_ENTRY} ({', '.join(entry)}, reason, expires_at, proposed_by)"
        f" VALUES ({', '.join(['%s'] * len(entry))}, 'test vehicle', now() + interval '1 day', 'dana') RETURNING *",
        tuple(entry.values()),
    ).fetchone()["allow_list_entry_id"]
    for decision in decisions:
        superuser.execute(
            f"INSERT INTO {ALLOW_LIST_DECISION} (allow_list_entry_id, decision, decided_by) VALUES (%s, %s, 'kim')",
            (number, decision),
        )
    return number


@pytest.mark.parametrize(
    ("decisions", "changes", "suppressed"),
    [
        (("approved",), {}, True),
        (("approved",), {"fraud_type": "plate_swap"}, True),
        (("approved",), {"fraud_type": "gate_run"}, False),
        (("approved",), {"domain": "another"}, False),
        (("approved",), {"subject_type": "device"}, False),
        ((), {}, False),
        (("approved", "revoked"), {}, False),
    ],
    ids=["every type", "its type", "another type", "another domain", "another subject", "one pair of eyes", "revoked"],
)
def test_an_active_entry_suppresses_live_alerts_of_its_subject(scorer, superuser, pack, decisions, changes, suppressed):
    subject = f"car-{uuid.uuid4().hex[:8]}"
    number = _allow(superuser, subject, *decisions, **changes)
    for name in (LIVE_SCOPE, None):
        scope = Scope(scorer, superuser, pack, name)
        scope.write(scope.evidence("e1", actor_id=subject))
        (alert,) = (alert for alert in scope.alerts() if alert["subject_id"] == subject)
        assert alert["suppressed_by"] == (number if suppressed and name == LIVE_SCOPE else None)


def test_an_entry_that_ended_or_came_later_suppresses_nothing(scorer, superuser, pack):
    scope = Scope(scorer, superuser, pack, LIVE_SCOPE)
    ended, later = (f"car-{uuid.uuid4().hex[:8]}" for _ in range(2))
    number = _allow(superuser, ended, "approved")
    with superuser.transaction():
        superuser.execute(f"ALTER TABLE {ALLOW_LIST_ENTRY} DISABLE TRIGGER keep_history")
        superuser.execute(
            f"UPDATE {ALLOW_LIST_ENTRY} SET expires_at = proposed_at WHERE allow_list_entry_id = %s", (number,)
        )
        superuser.execute(f"ALTER TABLE {ALLOW_LIST_ENTRY} ENABLE TRIGGER keep_history")
    scope.write(scope.evidence("e1", actor_id=ended), scope.evidence("e1", actor_id=later))
    _allow(superuser, later, "approved")
    scope.write(scope.evidence("e2", actor_id=later))
    found = {alert["subject_id"]: alert for alert in scope.alerts()}
    assert [found[subject]["suppressed_by"] for subject in (ended, later)] == [None, None]
    assert found[later]["event_count"] == 2


def test_a_batch_over_a_moved_offset_is_refused_whole(scope):
    scope.write(scope.evidence("e1"))
    with pytest.raises(AnotherWriterError, match="another alert writer"):
        scope.write(scope.evidence("e2"), expected=0)
    assert scope.alert()["event_count"] == 1
    assert scope.stored_offset() == 1


def test_a_stored_offset_is_read_on_from_and_a_new_partition_starts_where_kafka_does(scope):
    scope.write(scope.evidence("e1"))
    assert scope.store.start_offsets({(scope.topic, 0): 0, (scope.topic, 1): 33}) == {
        (scope.topic, 0): 1,
        (scope.topic, 1): 33,
    }


def test_money_that_moved_is_told_apart_from_money_that_was_tried(scope):
    hit = hit_record([("e1", NOON_MS, 2.25), ("e4", NOON_MS, 100.0)])
    hit["events"][1]["money_out"] = None
    scope.write(
        scope.evidence("e1", amount_base=2.25),
        scope.evidence("e2", amount_base=2.99, money_out=False),
        scope.evidence("e3", amount_base=2.99, money_out=False),
        hit,
    )
    alert = scope.alert()
    assert (alert["amount_at_risk"], alert["amount_tried"], alert["currency"]) == (
        Decimal("2.25"),
        Decimal("5.98"),
        "EUR",
    )


def test_the_largest_amounts_that_the_contract_accepts_can_be_added(scope):
    scope.write(*[scope.evidence(f"e{i}", amount_base=10**12) for i in range(200)])
    scope.write(hit_record([(f"h{i}", NOON_MS, -(10**12)) for i in range(3)]))
    assert scope.alert()["amount_at_risk"] == 197 * 10**12


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_severity_is_that_of_findings_and_money_in_any_order_of_arrival(scope, order):
    """Base medium by a weak score, high by a strong one; 1,000 in all is much."""
    amounts, scores = (400.0, 599.99, 0.01, 5.0), (0.55, 0.5, 0.9, 0.55)
    at_risk, base, rank = Decimal(0), Severity.LOW, -1
    for i in order:
        scope.write(scope.evidence(f"e{i}", amount_base=amounts[i], type_score=scores[i]))
        at_risk += Decimal(str(amounts[i]))
        base = max(base, base_severity(Severity.HIGH, scores[i]), key=SEVERITY_RANK.__getitem__)
        alert = scope.alert()
        assert alert["severity"] == severity_of(base, at_risk, scope.pack.much_money)
        assert alert["severity_rank"] == SEVERITY_RANK[Severity(alert["severity"])] >= rank
        rank = alert["severity_rank"]
    assert alert["severity"] == "critical"


def test_a_little_money_of_a_mild_type_is_not_critical_however_sure_the_model_is(scope):
    scope.write(scope.evidence("e1", fraud_type="gate_run", type_score=0.99, amount_base=20.0))
    assert scope.alert()["severity"] == "low"
    scope.write(scope.evidence("e2", fraud_type="gate_run", type_score=0.99, amount_base=5_000.0))
    assert scope.alert()["severity"] == "medium"


def test_without_a_pack_s_threshold_money_changes_no_severity(scorer, superuser, tmp_path):
    scope = Scope(scorer, superuser, toll_pack(tmp_path, much_money=None))
    scope.write(scope.evidence("e1", amount_base=10**12))
    assert scope.alert()["severity"] == "high"


@pytest.mark.parametrize("place", [0, 3, 6])
def test_what_postgresql_refuses_goes_to_quarantine_and_nothing_else_is_lost(scope, place):
    records = [scope.evidence(f"e{i}", event_time_ms=NOON_MS + i) for i in range(7)]
    records[place] |= {"event_id": "nul \x00", "source_partition": 3, "source_offset": 17}
    written = scope.write(*records)
    assert (written.created, written.updated > 0, len(written.refused)) == (1, True, 1)
    assert scope.stored_offset() == 7
    assert scope.alert()["event_count"] == 6
    (row,) = scope.quarantine()
    assert (row["stage"], row["topic"], row["partition"], row["offset"]) == ("alert_writer", scope.topic, 0, place)
    assert (row["source_topic"], row["source_partition"], row["source_offset"]) == ("events.toll", 3, 17)
    assert (row["reason"], json.loads(bytes(row["raw"]))) == ("refused_by_database", records[place])
    assert "\\u0000" in row["detail"]
    again = scope.alert()
    scope.write(*records)
    assert scope.alert() == again


def test_a_batch_of_refused_records_alone_moves_the_offset(scope):
    assert len(scope.write(*[scope.evidence(f"\x00{i}") for i in range(5)]).refused) == 5
    assert (scope.alerts(), scope.stored_offset(), len(scope.quarantine())) == ([], 5, 5)


def test_quarantine_takes_any_bytes_and_any_words_once(scope):
    advance = Advance(scope.topic, 0, 0, 1)
    error = ValueError("nul \x00, half a pair \ud83d, " + "x" * 5_000)
    record = quarantined(Coordinates(scope.topic, 0, 0), bytes(range(256)), QuarantineReason.BREAKS_CONTRACT, error)
    told = b'{"source_topic": "nul \\u0000", "source_partition": 1, "source_offset": 2}'
    other = quarantined(Coordinates(f"{scope.topic}\x00", 0, 1), told, QuarantineReason.BREAKS_CONTRACT, error)
    scope.store.write([], [advance], [record, record, other])
    row, row_of_other = sorted(scope.quarantine(), key=lambda row: row["offset"])
    assert (row_of_other["topic"], row_of_other["source_topic"]) == (f"{scope.topic}\\x00", "nul \\x00")
    assert (bytes(row["raw"]), row["source_topic"], len(row["detail"])) == (record.raw, None, 1_000)
    assert row["detail"].startswith("nul \\x00, half a pair \\ud83d, x")


def test_a_refused_transaction_puts_nothing_into_quarantine(scope):
    record = quarantined(Coordinates(scope.topic, 0, 0), b"", QuarantineReason.BREAKS_CONTRACT, ValueError("x"))
    with pytest.raises(AnotherWriterError):
        scope.store.write([], [Advance(scope.topic, 0, 41, 42)], [record])
    assert scope.quarantine() == []


def test_a_refusal_that_is_not_about_data_is_no_quarantine(scope, superuser):
    superuser.execute(f"REVOKE INSERT ON {ALERT_EVENT} FROM {SCORER_ROLE}")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            scope.write(scope.evidence("e1"))
    finally:
        superuser.execute(f"GRANT INSERT ON {ALERT_EVENT} TO {SCORER_ROLE}")
    assert (scope.quarantine(), scope.stored_offset()) == ([], 0)


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO {CASE_EVENT} (alert_id, status, written_by) VALUES ('a', 'open', 'writer')",
        f"UPDATE {ALERT_EVENT} SET amount = 0",
        f"DELETE FROM {QUARANTINED_RECORD}",
        f"SELECT raw FROM {QUARANTINED_RECORD}",
        f"DELETE FROM {ALERT_EVENT}",
        f"DELETE FROM {ALERT}",
        "SELECT * FROM platform.ground_truth_event",
        "CREATE TABLE alerting.mine (a int)",
        "CREATE TEMPORARY TABLE mine (a int)",
    ],
)
def test_the_writers_role_may_do_its_work_and_nothing_else(scorer, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        scorer.execute(statement)
