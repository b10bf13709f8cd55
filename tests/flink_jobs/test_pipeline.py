"""The pipeline on real Flink and real Kafka: every event once, order-independent features, dead letters, patterns."""

import base64
import json
import random
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.topics import TopicKind
from patternalarm.patterns import load_patterns

Detect = Callable[..., dict[TopicKind, list[dict[str, Any]]]]

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
    good = traffic(2000, seed=1)
    late = event(9000, -100, "a1")
    bad = {
        "malformed_json": b'{"event_id": "b0", ',
        "oversized": json.dumps(event(1, 0, "a1", ip="x" * 70_000)).encode(),
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
        assert base64.b64decode(record["raw"]) == raw
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
    patterns = [p for p in load_patterns("payments") if p.fraud_type == "account_takeover"]
    habits = [
        event(100 + n, -86_400, actor, event_type="payment", device_id="usual", amount=50, currency="EUR")
        for n, actor in enumerate(("a1", "a2", "a3", "a4"))
    ]
    takeover = [
        event(1, 0, "a1", event_type="login"),
        event(2, 5, "a1", event_type="payment", amount=60, currency="EUR"),
        event(3, 20, "a1", event_type="credential_change"),
        event(4, 40, "a1", event_id="x|5|7,y", event_type="transfer", amount=950.5, currency="USD", status="approved"),
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
    start = int(START.timestamp() * 1000)
    assert hits[0]["events"] == [
        {"event_id": "e1", "event_time_ms": start, "amount": None, "money_out": None},
        {"event_id": "e3", "event_time_ms": start + 20_000, "amount": None, "money_out": None},
        {"event_id": "x|5|7,y", "event_time_ms": start + 40_000, "amount": 817.43, "money_out": True},
    ]
    assert hits[0]["currency"] == "EUR"
    assert (hits[0]["first_event_time_ms"], hits[0]["last_event_time_ms"]) == (start, start + 40_000)


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
    events = [
        event(number, number, "a1", event_type=event_type, status=status, amount=10, currency="EUR")
        for number, (event_type, status) in enumerate(expected)
    ]
    features = detect("money", records_of(events), [], load_pack("payments"))[TopicKind.FEATURES]
    found = {record["event_id"]: record["money_out"] for record in features}
    assert found == {f"e{number}": moved for number, moved in enumerate(expected.values())}
