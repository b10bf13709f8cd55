"""The alert writer as a process, between real Kafka and real PostgreSQL."""

import base64
import json
import random
import signal
import sys
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from alert_material import EPISODE_MS, NOON_MS, evidence_record, hit_record

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kafka_broker import kafka_broker, running_broker
from lossy_proxy import lossy_proxy
from migrated_database import superuser_dsn

from patternalarm.contracts.alerts import (
    SEVERITY_RANK,
    SUSPICIOUS_SEVERITY,
    Severity,
    alert_id_of,
    base_severity,
    severity_of,
)
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.tables import ALERT, CONSUMER_OFFSET, QUARANTINED_RECORD
from patternalarm.contracts.topics import TopicKind

EVIDENCE, HITS = TopicKind.EVIDENCE, TopicKind.PATTERN_HITS


def _expected(stage, evidence, hits):
    """Alerts and their events, worked out record by record."""
    alerts = defaultdict(lambda: {"severity": Severity.LOW, "score": None, "events": {}, "sources": set()})

    def alert_of(subject, fraud_type, time_ms):
        alert_id = alert_id_of(stage.scope, "toll", "actor", subject, fraud_type, time_ms, EPISODE_MS)
        return alert_id, alerts[alert_id]

    def rise(alert, severity):
        alert["severity"] = max(alert["severity"], severity, key=SEVERITY_RANK.__getitem__)

    for record in evidence:
        alert_id, alert = alert_of(record["actor_id"], record["fraud_type"], record["event_time_ms"])
        of_type = stage.pack.fraud_types.get(record["fraud_type"])
        rise(alert, base_severity(of_type.severity if of_type else SUSPICIOUS_SEVERITY, record["type_score"]))
        alert["score"] = max(alert["score"] or 0.0, record["type_score"])
        event = record["actor_id"], record["event_id"]
        alert["events"][event] = (record["event_time_ms"], Decimal(str(record["amount_base"])))
        alert["sources"].add((alert_id, *event, "score"))
    for record in hits:
        alert_id, alert = alert_of(record["subject_id"], record["fraud_type"], record["last_event_time_ms"])
        rise(alert, Severity(record["severity"]))
        for told in record["events"]:
            event = told["actor_id"], told["event_id"]
            alert["events"][event] = (told["event_time_ms"], Decimal(str(told["amount"])))
            alert["sources"].add((alert_id, *event, "pattern"))
    return alerts


def _assert_as_expected(stage, evidence, hits):
    expected = _expected(stage, evidence, hits)
    assert stage.alert_events() == sorted(row for alert in expected.values() for row in alert["sources"])
    stored = stage.alerts()
    assert stored.keys() == expected.keys()
    for alert_id, alert in expected.items():
        row = stored[alert_id]
        times = [time_ms for time_ms, _ in alert["events"].values()]
        at_risk = sum(amount for _, amount in alert["events"].values())
        assert (row["severity"], row["score"], row["event_count"]) == (
            severity_of(alert["severity"], at_risk, stage.pack.much_money),
            alert["score"],
            len(alert["events"]),
        )
        assert row["amount_at_risk"] == at_risk
        assert round(row["first_event_time"].timestamp() * 1000) == min(times)
        assert round(row["last_event_time"].timestamp() * 1000) == max(times)


def _findings(stage, seed, count=60):
    """Evidence of six cars in two episodes, one record in four sent twice, and a hit over every tenth of it."""
    draw = random.Random(seed)
    evidence = [
        evidence_record(
            stage.pack,
            f"{seed}-{number}",
            actor_id=f"car-{draw.randrange(6)}",
            event_time_ms=NOON_MS + draw.randrange(2 * EPISODE_MS),
            fraud_type=draw.choice(["plate_swap", "gate_run", "suspicious_activity"]),
            type_score=round(draw.uniform(0.3, 1.0), 6),
            amount_base=draw.randrange(100, 99_999) / 100,
        )
        for number in range(count)
    ]
    hits = [
        hit_record(
            [(one["event_id"], one["event_time_ms"], one["amount_base"])],
            actor_id=one["actor_id"],
            subject_id=one["actor_id"],
            severity=draw.choice(list(Severity)).value,
        )
        for one in evidence[::10]
    ]
    return [*evidence, *evidence[::4]], hits


def test_findings_become_explained_alerts_and_a_stop_is_clean(stage):
    writer = stage.start()
    stage.wait_ready()
    stage.publish(EVIDENCE, [evidence_record(stage.pack, "e1", values=[80.0, "NaN", None])])
    stage.wait_committed(EVIDENCE, 1)
    (alert,) = stage.alerts().values()
    assert alert["reasons"] == [
        {"code": "amount", "text": "the toll is 80.00 EUR", "contribution": 0.1333, "source": "score"}
    ]
    evidence, hits = _findings(stage, seed=1)
    stage.publish(EVIDENCE, evidence)
    stage.publish(HITS, hits)
    stage.wait_committed(EVIDENCE, 1 + len(evidence))
    stage.wait_committed(HITS, len(hits))
    _assert_as_expected(stage, [evidence_record(stage.pack, "e1"), *evidence], hits)

    writer.send_signal(signal.SIGTERM)
    code, log = stage.failure(writer)
    assert (code, log.count("stopped as asked")) == (0, 1), log
    before = stage.alerts()

    again = stage.start()
    stage.wait_ready()
    stage.publish(EVIDENCE, evidence)
    stage.wait_committed(EVIDENCE, 1 + 2 * len(evidence))
    assert stage.alerts() == before
    again.send_signal(signal.SIGTERM)
    code, log = stage.failure(again)
    assert code == 0
    assert f"read {len(evidence)} evidence and 0 pattern hits" in log


@pytest.mark.parametrize("held", [CONSUMER_OFFSET, ALERT])
def test_killed_in_mid_transaction_it_loses_and_doubles_nothing(stage, held):
    early, early_hits = _findings(stage, seed=2)
    writer = stage.start()
    stage.wait_ready()
    stage.publish(EVIDENCE, early)
    stage.publish(HITS, early_hits)
    stage.wait_committed(EVIDENCE, len(early))
    stage.wait_committed(HITS, len(early_hits))
    before, events_before = stage.alerts(), stage.alert_events()

    late, late_hits = _findings(stage, seed=3)
    with psycopg.connect(superuser_dsn(), dbname=stage.settings.database) as blocker:
        if held == CONSUMER_OFFSET:
            query = f"SELECT FROM {CONSUMER_OFFSET} WHERE topic = %s FOR UPDATE"
            blocker.execute(query, (stage.topic(EVIDENCE),))
        else:
            blocker.execute(f"SELECT FROM {ALERT} WHERE scope = %s FOR UPDATE", (stage.scope,))
        stage.publish(EVIDENCE, late)
        stage.publish(HITS, late_hits)
        in_flight = (
            "SELECT query FROM pg_stat_activity WHERE application_name = %s AND state = 'active' "
            "AND wait_event_type = 'Lock' AND xact_start IS NOT NULL AND query_start > xact_start"
        )
        stuck = stage.until(
            lambda: stage.connection.execute(in_flight, (stage.client,)).fetchone(), "the writer is in a transaction"
        )
        assert ("UPDATE" if held == CONSUMER_OFFSET else "INSERT INTO alerting.alert_event") in stuck["query"]
        writer.kill()
        assert writer.wait(30) == -signal.SIGKILL
        assert (stage.alerts(), stage.alert_events()) == (before, events_before)
        blocker.rollback()

    stage.start()
    stage.wait_ready()
    stage.wait_committed(EVIDENCE, len(early) + len(late))
    stage.wait_committed(HITS, len(early_hits) + len(late_hits))
    _assert_as_expected(stage, [*early, *late], [*early_hits, *late_hits])


def test_a_second_writer_ends_the_pair(stage):
    stage.start()
    stage.wait_ready()
    second = stage.start()
    stage.wait_ready()
    stage.publish(EVIDENCE, [evidence_record(stage.pack, "e1")])
    stage.until(lambda: any(p.poll() is not None for p in stage.processes), "one of two writers ends")
    (ended,) = [process for process in stage.processes if process.poll() is not None]
    code, log = stage.failure(ended)
    assert code == 1
    assert "another alert writer of this domain and scope is running" in log
    assert second in stage.processes
    assert len(stage.alert_events()) == 1


def test_a_record_that_cannot_be_taken_goes_to_quarantine_and_the_writer_goes_on(stage):
    stage.start()
    stage.wait_ready()
    passed_on = {
        "stage": "scorer", "topic": "features.toll", "partition": 2, "offset": 7, "reason": "breaks_contract",
        "detail": "no JSON", "raw": base64.b64encode(b"{").decode(),
    }  # fmt: skip
    broken = b'{"event_id": "e2", "source_topic": "events.toll"'
    refused = evidence_record(stage.pack, "nul \x00")
    stage.publish(EVIDENCE, [evidence_record(stage.pack, "e1"), broken, refused, passed_on])
    stage.publish(EVIDENCE, [passed_on, evidence_record(stage.pack, "e3")])
    stage.publish(HITS, [hit_record([("x|5|7,y", NOON_MS, 1.0)]), b"[]"])
    stage.wait_committed(EVIDENCE, 6)
    stage.wait_committed(HITS, 2)
    assert sorted(event_id for _, _, event_id, _ in stage.alert_events()) == ["e1", "e3", "x|5|7,y"]
    rows = stage.connection.execute(
        f'SELECT stage, topic, "partition", "offset", reason, raw FROM {QUARANTINED_RECORD} WHERE scope = %s',
        (stage.scope,),
    ).fetchall()
    assert sorted((*list(row.values())[:-1], bytes(row["raw"])) for row in rows) == sorted(
        [
            ("alert_writer", stage.topic(EVIDENCE), 0, 1, "breaks_contract", broken),
            ("alert_writer", stage.topic(EVIDENCE), 0, 2, "refused_by_database", json.dumps(refused).encode()),
            ("alert_writer", stage.topic(HITS), 0, 1, "breaks_contract", b"[]"),
            ("scorer", "features.toll", 2, 7, "breaks_contract", b"{"),
        ]
    )
    log = stage.log(0).read_text()
    assert f"topic {stage.topic(EVIDENCE)}, partition 0, offset 1: breaks contract, into quarantine: " in log
    assert "topic features.toll, partition 2, offset 7: breaks contract, into quarantine: no JSON" in log


def _end_connections(stage):
    """End the writer's connections to PostgreSQL; how many there were."""
    ended = stage.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s", (stage.client,)
    ).fetchall()
    return len(ended)


def test_connections_that_are_lost_in_mid_run_lose_and_double_nothing(stage):
    evidence, hits = _findings(stage, seed=4, count=400)
    writer = stage.start()
    stage.wait_ready()
    for number in range(0, len(evidence), 50):
        stage.publish(EVIDENCE, evidence[number : number + 50])
        stage.until(lambda: _end_connections(stage), "it is connected")
    stage.publish(HITS, hits)
    stage.wait_committed(EVIDENCE, len(evidence))
    stage.wait_committed(HITS, len(hits))
    _assert_as_expected(stage, evidence, hits)
    assert writer.poll() is None
    writer.send_signal(signal.SIGTERM)
    code, log = stage.failure(writer)
    assert (code, "Traceback" in log) == (0, False), log
    assert "terminating connection due to administrator command" in log


def test_a_connection_that_is_lost_in_mid_transaction_writes_nothing_twice(stage):
    writer = stage.start()
    stage.wait_ready()
    evidence, _ = _findings(stage, seed=5)
    with psycopg.connect(superuser_dsn(), dbname=stage.settings.database) as blocker:
        query = f"SELECT FROM {CONSUMER_OFFSET} WHERE topic = %s FOR UPDATE"
        blocker.execute(query, (stage.topic(EVIDENCE),))
        stage.publish(EVIDENCE, evidence)
        waiting = "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
        stage.until(lambda: stage.connection.execute(waiting, (stage.client,)).fetchone(), "it is in a transaction")
        assert _end_connections(stage) == 1
        blocker.rollback()
    stage.wait_committed(EVIDENCE, len(evidence))
    _assert_as_expected(stage, evidence, [])
    assert writer.poll() is None


def test_a_commit_whose_answer_is_lost_is_not_done_again(stage):
    evidence, _ = _findings(stage, seed=6)
    with lossy_proxy(stage.settings.postgres_port) as proxy:
        writer = stage.start(PATTERNALARM_POSTGRES_PORT=proxy.port)
        stage.wait_ready()
        proxy.lose_answers_to(b"COMMIT", times=2)
        for number in range(0, len(evidence), 25):
            stage.publish(EVIDENCE, evidence[number : number + 25])
            stage.wait_committed(EVIDENCE, min(number + 25, len(evidence)))
        assert proxy.lost == 2
        _assert_as_expected(stage, evidence, [])
        assert writer.poll() is None


def test_postgresql_that_goes_and_comes_back_is_waited_for(stage):
    evidence, _ = _findings(stage, seed=7)
    with lossy_proxy(stage.settings.postgres_port) as proxy:
        writer = stage.start(PATTERNALARM_POSTGRES_PORT=proxy.port)
        stage.wait_ready()
        stage.publish(EVIDENCE, evidence[:30])
        stage.wait_committed(EVIDENCE, 30)
        proxy.go_away()
        stage.publish(EVIDENCE, evidence[30:])
        stage.until(lambda: "trying again for 600 s" in stage.log(0).read_text(), "the writer has noticed")
        proxy.come_back()
        stage.wait_committed(EVIDENCE, len(evidence))
        _assert_as_expected(stage, evidence, [])
        assert writer.poll() is None


def test_a_broker_that_is_killed_and_comes_back_is_waited_for(stage, tmp_path):
    evidence, _ = _findings(stage, seed=8)
    with running_broker(tmp_path / "kafka") as broker:
        port = int(broker.bootstrap.rpartition(":")[2])
        elsewhere = replace(stage, settings=stage.settings.model_copy(update={"kafka_port": port}))
        elsewhere.make_topics()
        writer = elsewhere.start()
        elsewhere.wait_ready()
        elsewhere.publish(EVIDENCE, evidence[:30])
        elsewhere.wait_committed(EVIDENCE, 30)
        broker.end(signal.SIGKILL)
        stage.until(lambda: "trying again for 600 s" in stage.log(0).read_text(), "the writer has noticed")
        broker.start()
        elsewhere.publish(EVIDENCE, evidence[30:])
        elsewhere.wait_committed(EVIDENCE, len(evidence))
        _assert_as_expected(stage, evidence, [])
        assert writer.poll() is None


def test_a_wrong_password_ends_it_at_once(stage):
    code, log = stage.failure(stage.start(PATTERNALARM_SCORER_PASSWORD="wrong"))
    assert code == 1
    assert "password authentication failed" in log
    assert "trying again" not in log and "Traceback" not in log


def test_without_postgresql_it_says_so(stage):
    code, log = stage.failure(stage.start(PATTERNALARM_POSTGRES_PORT=1, PATTERNALARM_PATIENCE_SECONDS=2))
    assert code == ExitCode.START_AGAIN
    assert "trying again for 2 s" in log
    assert "PostgreSQL at 127.0.0.1:1 failed the alert writer" in log
    assert "Traceback" not in log


def test_without_kafka_it_says_so(stage):
    code, log = stage.failure(stage.start(PATTERNALARM_KAFKA_PORT=1, PATTERNALARM_PATIENCE_SECONDS=2))
    assert code == ExitCode.START_AGAIN
    assert "Kafka at 127.0.0.1:1 does not answer" in log
    assert "Traceback" not in log


def test_a_broker_that_stays_away_ends_it(stage, tmp_path):
    with kafka_broker(tmp_path / "kafka") as bootstrap:
        port = int(bootstrap.rpartition(":")[2])
        elsewhere = replace(stage, settings=stage.settings.model_copy(update={"kafka_port": port}))
        elsewhere.make_topics()
        writer = elsewhere.start(PATTERNALARM_PATIENCE_SECONDS=3)
        elsewhere.wait_ready()
    code, log = elsewhere.failure(writer)
    assert code == ExitCode.START_AGAIN
    assert f"Kafka at {bootstrap} does not answer" in log


def test_a_missing_topic_is_named(stage):
    code, log = stage.failure(stage.start(scope=f"{stage.scope}-x"))
    assert code == 1
    assert f"topic {stage.topic(EVIDENCE)}-x does not exist" in log


def test_evidence_that_retention_removed_is_not_skipped_in_silence(stage):
    stage.connection.execute(
        f"INSERT INTO {CONSUMER_OFFSET} (scope, topic, partition, next_offset, updated_at) VALUES (%s, %s, 0, 7, now())",
        (stage.scope, stage.topic(EVIDENCE)),
    )
    code, log = stage.failure(stage.start())
    assert code == 1
    assert f"topic {stage.topic(EVIDENCE)}, partition 0: Kafka has no offset 7" in log
    assert stage.offset(EVIDENCE) == 7


def test_bad_input_is_refused_before_anything_is_read(stage, tmp_path):
    (stage.model / "forest.npz").write_bytes(b"cut")
    for changes, named in (
        ({}, "forest.npz is cut short or altered"),
        ({"pack": "nowhere"}, "unknown domain pack nowhere"),
        ({"scope": "Run_1"}, "run_id 'Run_1'"),
        ({"ready_file": tmp_path / "none" / "ready"}, "there is no directory"),
    ):
        code, log = stage.failure(stage.start(**changes))
        assert (code, named in log, "Traceback" in log) == (2, True, False), log
    assert stage.offset(EVIDENCE) is None
