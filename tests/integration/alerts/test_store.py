"""What one transaction of the alert writer leaves in PostgreSQL."""

import json
import uuid
from decimal import Decimal

import psycopg
import pytest
from alert_material import EPISODE_MS, NOON_MS, evidence_record, hit_record

from patternalarm.alerts.batch import BatchBuilder
from patternalarm.alerts.findings import Coordinates, read_evidence, read_pattern_hit
from patternalarm.alerts.reasons import Reason
from patternalarm.alerts.store import Advance, AlertStore, AnotherWriterError, Written
from patternalarm.contracts.alerts import EvidenceSource
from patternalarm.contracts.tables import ALERT, ALERT_EVENT, CASE_EVENT, CONSUMER_OFFSET


class Scope:
    """A scope whose findings are written without Kafka or a model."""

    def __init__(self, connection, superuser, pack):
        self.scope, self.pack, self.superuser = f"test-{uuid.uuid4().hex[:10]}", pack, superuser
        self.topic = f"evidence.toll.{self.scope}"
        self.builder = BatchBuilder(pack, self.scope, self._score_reasons, self._pattern_reason)
        self.store = AlertStore(connection, self.scope, pack.name, pack.version)
        self.position = self.store.start_offsets({(self.topic, 0): 0})[self.topic, 0]

    @staticmethod
    def _score_reasons(evidence):
        return [[Reason("amount", one.event_id, 0.1, EvidenceSource.SCORE)] for one in evidence]

    @staticmethod
    def _pattern_reason(hit):
        return Reason(hit.pattern, hit.pattern, None, EvidenceSource.PATTERN)

    def write(self, *records, expected=None):
        at = Coordinates(self.topic, 0, self.position)
        findings = [
            (read_pattern_hit if "pattern" in record else read_evidence)(json.dumps(record).encode(), self.pack, at)
            for record in records
        ]
        expected = self.position if expected is None else expected
        advance = Advance(self.topic, 0, expected, expected + len(records))
        written = self.store.write(self.builder.build(findings), [advance])
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

    def stored_offset(self):
        query = f"SELECT next_offset FROM {CONSUMER_OFFSET} WHERE topic = %s"
        return self.superuser.execute(query, (self.topic,)).fetchone()["next_offset"]


@pytest.fixture
def scope(scorer, superuser, pack):
    return Scope(scorer, superuser, pack)


def _ms(time):
    return round(time.timestamp() * 1000)


def test_an_event_that_both_sources_hold_counts_once(scope):
    assert scope.write(scope.evidence("e2", amount=80.25, event_time_ms=NOON_MS + 20)) == Written(1, 0)
    hit = hit_record([("e1", NOON_MS - 30, "19.7500"), ("e2", NOON_MS + 20, "80.2500"), ("e3", NOON_MS + 50, "")])
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
    scope.write(hit_record([("e1", NOON_MS, "80.0000")]), scope.evidence("e2", event_time_ms=NOON_MS + 9))
    alert = scope.alert()
    for column in ("trigger_event_time", "trigger_sent_at", "detected_at", "first_source"):
        assert alert[column] == first[column], column
    assert (_ms(alert["trigger_event_time"]), _ms(alert["trigger_sent_at"])) == (NOON_MS, NOON_MS + 5)
    assert (alert["model_version"], alert["pattern_version"], alert["pack_version"]) == ("m-1", "two_gates@2", "7")


def test_severity_score_and_reasons_only_rise(scope):
    seen = []
    for event_id, type_score in (("e1", 0.8), ("e2", 0.55), ("e3", 0.8), ("e4", 0.95)):
        scope.write(scope.evidence(event_id, type_score=type_score, model_version=f"m-{event_id}"))
        alert = scope.alert()
        seen.append((alert["severity"], alert["score"], alert["model_version"], alert["reasons"][0]["text"]))
    assert seen == [
        ("high", 0.8, "m-e1", "e1"),
        ("high", 0.8, "m-e1", "e1"),
        ("high", 0.8, "m-e1", "e1"),
        ("critical", 0.95, "m-e4", "e4"),
    ]


def test_reasons_of_patterns_outlive_a_rising_score_and_are_told_once(scope):
    scope.write(scope.evidence("e1", type_score=0.6))
    scope.write(hit_record([("e1", NOON_MS, "")], severity="high"))
    scope.write(hit_record([("e2", NOON_MS, "")], severity="low"), hit_record([("e3", NOON_MS, "")], pattern="other"))
    scope.write(scope.evidence("e4", type_score=0.7))
    alert = scope.alert()
    assert [(r["source"], r["text"]) for r in alert["reasons"]] == [
        ("pattern", "two_gates"),
        ("pattern", "other"),
        ("score", "e4"),
    ]
    assert (alert["severity"], alert["score"]) == ("critical", 0.7)


def test_an_alert_of_patterns_alone_has_no_score_until_one_comes(scope):
    scope.write(hit_record([("e1", NOON_MS, "")], severity="low"))
    alert = scope.alert()
    assert (alert["score"], alert["model_version"], alert["first_source"]) == (None, None, "pattern")
    scope.write(scope.evidence("e1", type_score=0.4))
    alert = scope.alert()
    assert (alert["score"], alert["model_version"], alert["severity"]) == (0.4, "m-1", "low")
    assert [reason["source"] for reason in alert["reasons"]] == ["pattern", "score"]


def test_what_comes_again_leaves_no_trace(scope):
    records = [scope.evidence("e1"), hit_record([("e1", NOON_MS, "80.0000"), ("e2", NOON_MS, "1.0000")])]
    scope.write(*records)
    before = scope.alert()
    assert scope.write(*records, *records) == Written(0, 0)
    assert scope.alert() == before
    assert scope.stored_offset() == 6


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


@pytest.mark.parametrize(
    "statement",
    [
        f"INSERT INTO {CASE_EVENT} (alert_id, status, written_by) VALUES ('a', 'open', 'writer')",
        f"UPDATE {ALERT_EVENT} SET amount = 0",
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
