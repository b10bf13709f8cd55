"""The archive over all that the event contract accepts, and some that it does not: exact, complete, never stopped.

``FUZZ_EXAMPLES=10000`` makes as many new records; the short run has the same ones every time.
"""

import json
from decimal import Decimal

import pyarrow.dataset as ds
from contract_records import amounts, feature_values, fuzz_settings, ids, times, to_json, words
from history import SHOP
from hypothesis import given
from hypothesis import strategies as st
from spark_run import run_job

from patternalarm.contracts.topics import TopicKind

COLUMNS = (
    "event_id", "event_type", "event_time_ms", "actor_id", "counterparty_id", "device_id", "country", "channel",
    "money_out", "amount", "currency", "amount_base", "feature_set", "values", "source_topic", "source_partition",
    "source_offset", "source_crc", "sent_at_ms",
)  # fmt: skip

RECORDS = st.fixed_dictionaries(
    {
        "event_id": ids,
        "event_type": words,
        "event_time_ms": times,
        "actor_id": ids,
        **dict.fromkeys(("counterparty_id", "device_id"), st.none() | ids),
        **dict.fromkeys(("country", "channel", "currency"), st.none() | words),
        "money_out": st.sampled_from([True, False, None]),
        **dict.fromkeys(("amount", "amount_base"), st.none() | amounts),
        "feature_set": st.just("f"),
        "values": st.lists(feature_values, min_size=4, max_size=4),
        "source_topic": st.just("events.shop"),
        "source_crc": st.integers(0, 2**32 - 1),
        "sent_at_ms": times,
    }
)
NO_RECORDS = st.binary(max_size=40) | st.sampled_from(
    [b"", b"null", b"[]", b'{"event_id": "e"}', b'{"event_time_ms": 1e999999999}', b"[" * 5_000, b"\xed\xa0\xbd"]
)


def _made(strategy, short):
    """Examples of ``strategy``, as many as the fuzz is long."""
    made = []

    @fuzz_settings(short)
    @given(strategy)
    def collect(example):
        made.append(example)

    collect()
    return made


def _read(value):
    return None if value == "NaN" or value != value else value


def test_every_record_is_archived_exactly_once_or_put_away(new_topics, tmp_path):
    topics = new_topics()
    records = [
        {**record, "source_partition": number % 4, "source_offset": number}
        for number, record in enumerate(_made(RECORDS, short=200))
    ]
    broken = _made(NO_RECORDS, short=50)
    for value in [*map(to_json, records), *broken, *map(to_json, records[::10])]:
        topics.producer.produce(topics.names[TopicKind.FEATURES], value)
        topics.producer.poll(0)
    assert topics.producer.flush(60) == 0

    finished = run_job(
        "extract_features.py", pack=SHOP, scope=topics.scope, features=tmp_path / "features", labels=tmp_path / "labels"
    )

    assert finished.returncode == 0, finished.stderr[-3_000:]
    assert f"in quarantine: {len(broken)} features records, 0 labels" in finished.stderr
    rows = ds.dataset(tmp_path / "features", partitioning="hive").to_table().to_pylist()
    assert len(rows) == len(records)
    stored = {row["source_offset"]: row for row in rows}
    for record in records:
        row = {name: stored[record["source_offset"]][name] for name in COLUMNS}
        row["values"] = [_read(value) for value in row["values"]]
        assert row == {**record, "values": [_read(value) for value in record["values"]]}
        assert row["amount"] is None or isinstance(row["amount"], Decimal)
    lines = [
        json.loads(line)
        for path in (tmp_path / "quarantine" / topics.names[TopicKind.FEATURES]).glob("*.json")
        for line in path.read_text().splitlines()
    ]
    assert len({(line["partition"], line["offset"]) for line in lines}) == len(lines) == len(broken)
