"""The pipeline on real Flink and real Kafka: every event once, order-independent features, dead letters, patterns."""

import base64
import json
import random
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pipeline import build, kafka_connectors
from pyflink.table import EnvironmentSettings, TableEnvironment

from patternalarm.contracts.alerts import Severity, SubjectType
from patternalarm.contracts.bounds import MAX_EVENT_BYTES
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.pack_folder import PACKS_DIR, pack_names
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.patterns import Pattern, load_patterns

Detect = Callable[..., dict[TopicKind, list[dict[str, Any]]]]
NewJob = Callable[..., Any]

START = datetime(2026, 11, 24, 5, 0, tzinfo=UTC)
PARTITIONS = 4


def event(number: int, seconds: float, actor: str, **fields: Any) -> dict[str, Any]:
    """A good event ``seconds`` after START."""
    time = (START + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "event_id": f"e{number}",
        "schema_version": "1.0",
        "domain": "payments",
        "event_type": "purchase",
        "event_time": time,
        "actor_id": actor,
        "device_id": f"device-{actor}",
        **fields,
    }


def partition_of(actor: str, salt: int = 0) -> int:
    return (zlib.crc32(actor.encode()) + salt * int(actor.removeprefix("a") or 0)) % PARTITIONS


def records_of(events: list[dict[str, Any]], salt: int = 0) -> list[tuple[int, str, bytes]]:
    return [(partition_of(e["actor_id"], salt), e["actor_id"], json.dumps(e).encode()) for e in events]


def coordinates(records: list[dict[str, Any]]) -> set[tuple[int, int]]:
    return {(r["source_partition"], r["source_offset"]) for r in records}


def traffic(count: int, seed: int) -> list[dict[str, Any]]:
    """Events of 40 actors on 12 devices over two minutes, slightly out of order, with cents as amounts."""
    rng = random.Random(seed)
    events = []
    for number in range(count):
        seconds = 120 * number / count + rng.uniform(0, 0.4)
        events.append(
            event(
                number,
                seconds,
                f"a{rng.randrange(40)}",
                device_id=f"d{rng.randrange(12)}" if rng.random() < 0.9 else None,
                amount=rng.randrange(100_000) / 100,
                currency="EUR",
                status=rng.choice(["approved", "declined"]),
            )
        )
    return events


def test_every_event_comes_out_once_with_its_features_or_as_a_dead_letter(detect: Detect, pack: DomainPack) -> None:
    # The last actor has two more events than are remembered of one.
    good = [*traffic(2000, seed=1), *(event(10_000 + number, number / 10, "a77") for number in range(514))]
    late = event(9000, -100, "a1")
    bad = {
        "malformed_json": b'{"event_id": "b0", ',
        # As large as Kafka takes it: as text it would be larger than that.
        "oversized": json.dumps(event(1, 0, "a1", ip="x" * 1_000_000)).encode(),
        "missing_field": json.dumps(event(2, 0, "")).encode(),
        "wrong_type": json.dumps(event(3, 0, "a1", amount="twelve", currency="EUR")).encode(),
        "unknown_schema_version": json.dumps(event(4, 0, "a1", schema_version="2.0")).encode(),
        "wrong_domain": json.dumps(event(5, 0, "a1", domain="gaming")).encode(),
        "bad_event_time": json.dumps(event(6, 0, "a1", event_time="2999-01-01T00:00:00Z")).encode(),
    }
    # Which of the two an event belongs to would depend on the reader.
    of_two_actors = json.dumps(event(7, 0, "a1")).encode()[:-1] + b', "actor_id": "a2"}'
    records = records_of(good)
    records[1000:1000] = [(0, "k", of_two_actors)]
    records[1000:1000] = [(i % PARTITIONS, "k", raw) for i, raw in enumerate(bad.values())]
    records.extend(records_of([late]))

    out = detect("every-event", records)

    features, dead = out[TopicKind.FEATURES], out[TopicKind.DEAD_LETTERS]
    assert sorted(r["event_id"] for r in features) == sorted(e["event_id"] for e in good)
    assert {r["event_id"] for r in features if r["identity_forgotten"]} == {"e10512", "e10513"}
    assert {r["reason"] for r in dead} == {*bad, "late", "duplicate_field"}
    assert len(dead) == len(bad) + 2
    assert sum("stands twice" in r["detail"] for r in dead) == 1
    offsets: dict[int, int] = {}
    expected = {}
    for partition, _, raw in records:
        offset = offsets.get(partition, 0)
        offsets[partition] = offset + 1
        expected[partition, offset] = raw
    assert coordinates(features) | coordinates(dead) == set(expected)
    assert not coordinates(features) & coordinates(dead)
    for record in (*features, *dead):
        assert record["source_crc"] == zlib.crc32(expected[record["source_partition"], record["source_offset"]])
    for record in dead:
        raw = expected[record["source_partition"], record["source_offset"]]
        assert base64.b64decode(record["raw"]) == raw[:MAX_EVENT_BYTES]
    assert {len(r["values"]) for r in features} == {len(pack.features)}
    assert {r["feature_set"] for r in features} == {pack.feature_set}


def test_features_do_not_depend_on_how_partitions_interleave(detect: Detect, pack: DomainPack) -> None:
    events = traffic(3000, seed=2)
    # The same events on other partitions: each partition is read in one stretch, so shared keys meet in another order.
    out = [detect(f"order-{salt}", records_of(events, salt))[TopicKind.FEATURES] for salt in (0, 1, 2)]
    values = [{r["event_id"]: r["values"] for r in records} for records in out]
    assert len({tuple(sorted((r["event_id"], r["source_partition"]) for r in records)) for records in out}) == 3
    assert values[0] == values[1] == values[2]
    index = pack.feature_names.index("device_actors")
    assert max(float(v[index]) for v in values[0].values() if v[index] != "NaN") > 5


def test_shared_features_are_those_counted_from_the_whole_buckets_before_the_delay(
    detect: Detect, pack: DomainPack
) -> None:
    events = traffic(1500, seed=3)
    out = detect("counted", records_of(events))[TopicKind.FEATURES]
    times = {e["event_id"]: int(datetime.fromisoformat(e["event_time"]).timestamp() * 1000 + 0.5) for e in events}
    actors, amount = pack.feature_names.index("device_actors"), pack.feature_names.index("device_amount")
    checked = 0
    for record in out:
        if record["device_id"] is None:
            assert record["values"][actors] == "NaN"
            continue
        last = (record["event_time_ms"] - pack.shared_key_delay) // 1000
        seen = [
            e
            for e in events
            if e["device_id"] == record["device_id"] and last - 60 <= times[e["event_id"]] // 1000 < last
        ]
        assert record["values"][actors] == len({e["actor_id"] for e in seen})
        assert round(record["values"][amount], 2) == round(sum(e["amount"] for e in seen), 2)
        checked += len(seen) > 1
    assert checked > 1000


def test_a_takeover_is_a_hit_and_half_of_one_is_not(detect: Detect) -> None:
    """The shipped pack, whose features the pattern names."""
    patterns = [
        p for p in load_patterns(PACKS_DIR / "payments", load_pack("payments")) if p.fraud_type == "account_takeover"
    ]
    habits = [
        event(100 + n, -86_400, actor, event_type="payment", device_id="usual", amount=50, currency="EUR")
        for n, actor in enumerate(("a1", "a2", "a3", "a4"))
    ]
    takeover = [
        event(1, 0, "a1", event_type="login"),
        event(2, 5, "a1", event_type="payment", amount=60, currency="EUR"),
        event(3, 20, "a1", event_type="credential_change"),
        event(
            4,
            40,
            "a1",
            event_id="x|5|7,y",
            event_type="transfer",
            amount=950.5,
            currency="USD",
            status="approved",
            payee_saved=False,
            account_age_days=12.5,
        ),
    ]
    new_phone = [event(5, 0, "a2", event_type="login"), event(6, 10, "a2", event_type="credential_change")]
    slow = [
        event(7, 0, "a3", event_type="login"),
        event(8, 5, "a3", event_type="credential_change"),
        event(9, 4000, "a3", event_type="transfer", amount=950.5, currency="EUR"),
    ]
    for e in (*takeover, *new_phone, *slow):
        e["device_id"] = "unseen"
    usual_device = [
        event(10, 0, "a4", event_type="login"),
        event(11, 5, "a4", event_type="credential_change"),
        event(12, 9, "a4", event_type="transfer", amount=950.5, currency="EUR"),
    ]
    for e in usual_device:
        e["device_id"] = "usual"
    records = records_of([*habits, *takeover, *new_phone, *slow, *usual_device])
    hits = detect("takeover", records, patterns, load_pack("payments"))[TopicKind.PATTERN_HITS]

    assert [(h["fraud_type"], h["subject_type"], h["subject_id"]) for h in hits] == [
        ("account_takeover", "actor", "a1")
    ]
    start, of_actor = int(START.timestamp() * 1000), {"actor_id": "a1"}
    basis = ("actor_id", "event_id", "event_time_ms", "amount", "money_out")
    assert [{name: held[name] for name in basis} for held in hits[0]["events"]] == [
        {**of_actor, "event_id": "e1", "event_time_ms": start, "amount": None, "money_out": None},
        {**of_actor, "event_id": "e3", "event_time_ms": start + 20_000, "amount": None, "money_out": None},
        {**of_actor, "event_id": "x|5|7,y", "event_time_ms": start + 40_000, "amount": 817.43, "money_out": True},
    ]
    # What an analyst needs of an event later, as sent.
    transfer = hits[0]["events"][-1]
    told = ("event_type", "device_id", "ip", "country", "amount_sent", "currency")
    assert [transfer[name] for name in told] == ["transfer", "unseen", None, None, 950.5, "USD"]
    assert {name: text for name, text in transfer["own"].items() if text is not None} == {
        "status": "approved",
        "payee_saved": "false",
        "account_age_days": "12.5",
    }
    assert hits[0]["currency"] == "EUR"
    assert (hits[0]["first_event_time_ms"], hits[0]["last_event_time_ms"]) == (start, start + 40_000)


def test_a_pattern_over_a_device_tells_whose_events_it_holds(detect: Detect) -> None:
    """Two actors may use one event id."""
    ring = Pattern(
        name="device_passed_on",
        version="1",
        fraud_type="account_takeover",
        severity=Severity.HIGH,
        subject_type=SubjectType.DEVICE,
        reason="Two actors used one device.",
        sql="""
            SELECT * FROM (SELECT rowtime, actor_id, device_id, event_time_ms, hit_event FROM events)
            MATCH_RECOGNIZE (
              PARTITION BY device_id
              ORDER BY rowtime
              MEASURES
                LAST(B.device_id) AS subject_id,
                FIRST(A.event_time_ms) AS first_event_time_ms,
                LAST(B.event_time_ms) AS last_event_time_ms,
                ARRAY_AGG(hit_event) AS events
              ONE ROW PER MATCH
              AFTER MATCH SKIP PAST LAST ROW
              PATTERN (A B) WITHIN INTERVAL '1' MINUTE
              DEFINE
                B AS B.actor_id <> LAST(A.actor_id)
            )""",
    )
    events = [event(1, 10 * number, actor, device_id="d1") for number, actor in enumerate(("a1", "a2"))]
    (hit,) = detect("ring", records_of(events), [ring])[TopicKind.PATTERN_HITS]
    assert (hit["subject_type"], hit["subject_id"]) == ("device", "d1")
    assert [(e["actor_id"], e["event_id"]) for e in hit["events"]] == [("a1", "e1"), ("a2", "e1")]


def test_the_pack_says_which_events_moved_money_out(detect: Detect) -> None:
    expected = {
        ("payment", "approved"): True,
        ("payment", "declined"): False,
        ("payment", None): None,
        ("transfer", "approved"): True,
        ("transfer", "declined"): False,
        ("deposit", "approved"): None,
        ("dispute", None): None,
        ("login", None): None,
    }
    pack = load_pack("payments")
    cases = [(case, amount) for case in expected for amount in (10, 0, -10, None)]
    events = [
        event(number, number, "a1", event_type=event_type, status=status, amount=amount, currency="EUR")
        for number, ((event_type, status), amount) in enumerate(cases)
    ]
    features = detect("money", records_of(events), [], pack)[TopicKind.FEATURES]
    found = {record["event_id"]: record["money_out"] for record in features}
    # A refund moves none, whatever its type and status, and Python tells what the engine does.
    assert found == {
        f"e{number}": None if amount == -10 else expected[case] for number, (case, amount) in enumerate(cases)
    }
    assert found == {
        f"e{number}": pack.moves_money_out(amount, {"event_type": case[0], "status": case[1]})
        for number, (case, amount) in enumerate(cases)
    }


@pytest.mark.parametrize("name", pack_names())
def test_the_engine_takes_every_pattern_of_every_pack(kafka: Any, name: str) -> None:
    pack = load_pack(name)
    t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    connectors = kafka_connectors(pack, "explained", kafka.bootstrap, bounded=True)
    patterns = load_patterns(PACKS_DIR / name, pack)
    statements = build(t_env, pack, patterns, topic_name(TopicKind.EVENTS, name, "explained"), connectors)
    assert statements.explain().count("Match(") >= len(patterns)


def row(number: int, **fields: Any) -> bytes:
    """A good event of an actor of its own, but for ``fields``."""
    return json.dumps(event(number, 0, f"row{number}", **fields)).encode()


def raw_row(number: int, old: str, new: str) -> bytes:
    """A good event with an amount, in whose text ``old`` is ``new``."""
    text = row(number, amount=5, currency="EUR").decode()
    assert old in text
    return text.replace(old, new).encode()


# One record that stopped the job, blinded it or changed into another: what it is, the reason and a part of the remedy.
REFUSED: dict[str, tuple[bytes, str, str]] = {
    "amount beyond reckoning": (raw_row(1, '"amount": 5', '"amount": 1e999999999'), "bad_value", "amount"),
    "number beyond a double": (raw_row(2, '"amount": 5', '"weight": 1e400, "amount": 5'), "bad_value", "weight"),
    "nested 5,000 deep": (raw_row(3, '"amount"', f'"x": {"[" * 5_000}{"]" * 5_000}, "amount"'), "too_deep", "32"),
    "year 999999999": (row(4, event_time="+999999999-12-31T23:59:59Z"), "bad_event_time", ""),
    "before the dinosaurs": (row(5, event_time=-9300000000000000), "bad_event_time", ""),
    "a negative time": (row(6, event_time=-99999999999999), "bad_event_time", ""),
    "seconds for milliseconds": (row(7, event_time=1795691753), "bad_event_time", "seconds?"),
    "amount twice": (raw_row(8, '"amount": 5', '"amount": 5, "amount": 5000'), "duplicate_field", "amount"),
    "unknown field twice": (raw_row(9, '"amount"', '"x": 1, "x": 2, "amount"'), "duplicate_field", "stands twice"),
    "empty event_id": (row(10, event_id=""), "missing_field", "event_id"),
    "event_id of 3 KB": (row(11, event_id="x" * 3_000), "bad_id", "128"),
    "NUL in event_id": (row(12, event_id="e\0"), "bad_id", "event_id"),
    "half an emoji in event_id": (row(13, event_id="phone \ud83d"), "bad_id", "surrogate"),
    "half an emoji in actor_id": (row(14, actor_id="phone \ud83d"), "bad_id", "surrogate"),
    "amount that fits no column": (row(15, amount=6e13, currency="EUR"), "bad_value", "amount"),
    "amount of five places": (row(16, amount="0.00001", currency="EUR"), "bad_value", "amount"),
    "unknown currency": (row(17, amount=5, currency="EURO"), "unknown_currency", "EURO"),
    "country in words": (row(18, country="Germany"), "bad_value", "country"),
    "amount in words": (row(19, amount="ten", currency="EUR"), "wrong_type", "amount"),
    "byte order mark": (b"\xef\xbb\xbf" + row(20), "malformed_json", ""),
    "no bytes": (b"", "malformed_json", ""),
    "not UTF-8": (row(21).replace(b"purchase", b"purch\xff"), "malformed_json", ""),
}

# What looks like one of them and is an event: fields of its features record.
ACCEPTED: dict[str, tuple[bytes, dict[str, Any]]] = {
    "another event_time within": (
        raw_row(50, '"event_id"', '"ctx": {"event_time": "2020-01-01T00:00:00Z", "actor_id": "x"}, "event_id"'),
        {"actor_id": "row50", "event_time_ms": int(START.timestamp() * 1000)},
    ),
    "a name with an escape": (
        raw_row(51, '"event_time"', '"event\\u005ftime"'),
        {"event_time_ms": int(START.timestamp() * 1000)},
    ),
    "empty is missing": (row(52, device_id="", ip="", country=""), {"device_id": None, "country": None}),
    "amount in quotes": (row(53, amount="10.00", currency="EUR"), {"amount": 10, "amount_base": 10}),
    "amount in dollars": (row(54, amount=20, currency="USD"), {"amount": 20, "amount_base": 17.2, "currency": "USD"}),
    "amount in yen": (row(55, amount=3000, currency="JPY"), {"amount": 3000, "amount_base": 16.8, "currency": "JPY"}),
    "largest amount": (row(56, amount=10**12, currency="EUR"), {"amount": 10**12, "amount_base": 10**12}),
    "largest number": (row(57, weight=-1e15), {"event_id": "e57"}),
    "id of separators": (row(58, event_id="x|5|7,y"), {"event_id": "x|5|7,y"}),
}


def test_no_record_stops_the_job_nor_changes_into_another(detect: Detect, pack: DomainPack) -> None:
    first = row(70, amount=12.5, currency="EUR")
    copies = {
        # The same in another order of fields; other content; and what a gateway sends again an hour later.
        "duplicate": json.dumps(dict(reversed(json.loads(first).items()))).encode(),
        "conflicting": row(70, amount=13, currency="EUR"),
    }
    without_device = [row(80 + n, device_id="") for n in range(5)]
    raws = [first, *copies.values(), *(r for r, _, _ in REFUSED.values()), *(r for r, _ in ACCEPTED.values())]
    good = [e for e in traffic(400, seed=4) if e["event_id"] != "e70"]
    records = [(0, "k", raw) for raw in (*raws, *without_device)]
    records.extend(records_of(good))

    out = detect("every-row", records)

    features = {r["source_offset"]: r for r in out[TopicKind.FEATURES] if r["source_partition"] == 0}
    dead = {r["source_offset"]: r for r in out[TopicKind.DEAD_LETTERS]}
    assert len(out[TopicKind.FEATURES]) + len(dead) == len(records)
    assert {"e399", "e398"} <= {r["event_id"] for r in out[TopicKind.FEATURES]}
    for offset, reason in enumerate(copies, start=1):
        assert dead[offset]["reason"] == reason
        assert "partition 0, offset 0" in dead[offset]["detail"]
    wrong = {}
    next_offset = len(copies) + 1
    for offset, (name, (_, reason, detail)) in enumerate(REFUSED.items(), start=next_offset):
        found = dead.get(offset, {"reason": "accepted", "detail": ""})
        if found["reason"] != reason or detail not in found["detail"]:
            wrong[name] = found
    next_offset += len(REFUSED)
    for offset, (name, (_, fields)) in enumerate(ACCEPTED.items(), start=next_offset):
        found = features.get(offset) or dead[offset]
        if {field: found.get(field) for field in fields} != fields:
            wrong[name] = found
    next_offset += len(ACCEPTED)
    assert not wrong
    actors = pack.feature_names.index("device_actors")
    assert {features[next_offset + n]["values"][actors] for n in range(5)} == {"NaN"}


def test_an_aborted_transaction_is_no_event(new_job: NewJob) -> None:
    job = new_job("aborted")
    # The committed one first in one partition, last in another: control records take offsets at either end.
    for partition in range(2):
        aborted = [(partition, "a1", row(partition * 10 + n, amount=1_000, currency="EUR")) for n in range(5)]
        committed = [(partition, "a1", row(90 + partition, amount=10, currency="EUR"))]
        for records, end in [(aborted, "abort"), (committed, "commit")][:: 1 if partition else -1]:
            job.kafka.produce(job.events, records, transaction=end)
    job.start(bounded=True).wait()
    features = job.read(TopicKind.FEATURES)
    assert sorted((r["event_id"], r["amount"]) for r in features) == [("e90", 10), ("e91", 10)]
    assert job.read(TopicKind.DEAD_LETTERS) == []


def test_a_running_job_reads_what_was_committed_and_no_more(new_job: NewJob) -> None:
    job = new_job("aborted-live")
    running = job.start()
    try:
        job.kafka.produce(job.events, [(0, "a1", row(n, device_id=None)) for n in range(5)], transaction="abort")
        job.kafka.produce(job.events, [(0, "a1", row(90, device_id=None))], transaction="commit")
        assert [r["event_id"] for r in job.await_(TopicKind.FEATURES, bool)] == ["e90"]
    finally:
        running.get_job_client().cancel().result()


def test_no_clock_that_is_ahead_blinds_anybody(new_job: NewJob) -> None:
    """A gateway's clock 50 minutes ahead, and one within the allowance, beside an honest takeover on the wall's clock."""
    patterns = [
        p for p in load_patterns(PACKS_DIR / "payments", load_pack("payments")) if p.fraud_type == "account_takeover"
    ]
    job = new_job("clocks", patterns, load_pack("payments"))
    number = 0

    def send(seconds: float, actor: str, timestamp_ms: int | None = None, **fields: Any) -> str:
        nonlocal number
        number += 1
        at = round((time.time() + seconds) * 1000)
        made = event(number, 0, actor, **{"event_time": at, "device_id": None, **fields})
        record = (partition_of(actor), actor, json.dumps(made).encode())
        job.kafka.produce(job.events, [record], timestamp_ms=timestamp_ms)
        return str(made["event_id"])

    def everywhere() -> None:
        for actor in ("m0", "m1", "m2", "m3"):
            made = event(
                0, 0, actor, event_id=f"{actor}-{time.time()}", event_time=round(time.time() * 1000), device_id=None
            )
            job.kafka.produce(job.events, [(int(actor[1]), actor, json.dumps(made).encode())])

    def holds(event_id: str) -> Callable[[list[dict[str, Any]]], bool]:
        return lambda records: any(r["event_id"] == event_id for r in records)

    running = job.start()
    try:
        send(-86_400, "a1", event_type="payment", device_id="usual", amount=50, currency="EUR")
        fifty_minutes = round((time.time() + 3_000) * 1000)
        send(3_000, "a7", timestamp_ms=fifty_minutes)
        ahead = send(29, "a1", event_type="payment")
        everywhere()
        job.await_(TopicKind.FEATURES, holds(ahead), everywhere)
        for event_type, fields in (
            ("login", {}),
            ("credential_change", {}),
            ("transfer", {"amount": 950.5, "currency": "EUR"}),
        ):
            honest = send(0, "a1", event_type=event_type, device_id="unseen", **fields)
        hits = job.await_(TopicKind.PATTERN_HITS, bool, everywhere)
        assert [h["subject_id"] for h in hits] == ["a1"]
        features = {r["event_id"]: r for r in job.await_(TopicKind.FEATURES, holds(honest), everywhere)}
        flagged = {event_id for event_id, r in features.items() if r["behind_watermark"]}
        assert not flagged & {e["event_id"] for e in hits[0]["events"]}
        # Behind the watermark, in time for its actor: featurised, and flagged.
        behind = send(-20, "a2", event_type="payment")
        features = {r["event_id"]: r for r in job.await_(TopicKind.FEATURES, holds(behind), everywhere)}
        assert features[behind]["behind_watermark"] is True
        assert features[ahead]["behind_watermark"] is False
        dead = job.read(TopicKind.DEAD_LETTERS)
        assert [r["reason"] for r in dead] == ["bad_event_time"]
        # The broker's clock, not the producer's.
        assert abs(dead[0]["sent_at_ms"] - time.time() * 1000) < 300_000
    finally:
        running.get_job_client().cancel().result()


def test_a_job_that_starts_again_from_a_checkpoint_makes_no_false_duplicates(new_job: NewJob, tmp_path: Path) -> None:
    job = new_job("restart")

    def send(numbers: range) -> None:
        records = [(0, "a1", json.dumps(event(n, n, "a1", device_id=None)).encode()) for n in numbers]
        job.kafka.produce(job.events, records)

    def count(expected: int) -> Callable[[list[dict[str, Any]]], bool]:
        return lambda records: len(records) >= expected

    running = job.start()
    try:
        send(range(10))
        job.await_(TopicKind.FEATURES, count(10))
        savepoint = job.savepoint(running, tmp_path)
        send(range(10, 20))
        job.await_(TopicKind.FEATURES, count(20))
    finally:
        running.get_job_client().cancel().result()
    assert job.read(TopicKind.DEAD_LETTERS) == []

    running = job.start(savepoint=savepoint)
    try:
        # What came after the checkpoint is read again, and gives the same as before.
        features = job.await_(TopicKind.FEATURES, count(30))
        assert {json.dumps(r) for r in features[10:20]} == {json.dumps(r) for r in features[20:]}
        assert job.read(TopicKind.DEAD_LETTERS) == []
        # Copies of what came before and after it are told with the place of the first.
        send(range(5, 15))
        dead = job.await_(TopicKind.DEAD_LETTERS, count(10))
    finally:
        running.get_job_client().cancel().result()
    assert [r["reason"] for r in dead] == ["duplicate"] * 10
    assert [r["source_offset"] for r in dead] == list(range(20, 30))
    assert all(f"partition 0, offset {n}:" in r["detail"] for n, r in enumerate(dead, start=5))
    assert len(job.read(TopicKind.FEATURES)) == 30
