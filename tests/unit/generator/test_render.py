import json
import re
from datetime import UTC, datetime

import jsonschema
import numpy as np
import pytest

from patternalarm.contracts.event_schema import event_json_schema
from patternalarm.contracts.events import COMMON_FIELD_NAMES, COMMON_FIELDS, SCHEMA_VERSION
from patternalarm.generator.batch import ACTOR_ID, ColumnKind, EventBatch, boolean, category, identifier, number
from patternalarm.generator.batch import Column as GeneratorColumn
from patternalarm.generator.publishing.ground_truth import truth_of_slice
from patternalarm.generator.publishing.publication import UNPACED_EVENTS, chunks_of
from patternalarm.generator.render import render
from patternalarm.settings import get_settings

COLUMNS = (
    category("event_type", "pay", 'quote"d'),
    identifier("device_id", "d"),
    number("amount"),
    number("level", 0),
    boolean("promo"),
    GeneratorColumn("ip", ColumnKind.IP),
)


def events(piece, domain, columns):
    """Values as they go to Kafka."""
    chunks = chunks_of(domain, columns, piece.events, piece.event_ids, piece.send_ms, UNPACED_EVENTS)
    return [(key, value) for chunk in chunks for key, value in zip(chunk.keys, chunk.values, strict=True)]


def batch(**values):
    size = len(values["event_type"])
    time_ms = np.full(size, 1_795_498_266_007)
    return EventBatch(time_ms, np.arange(1, size + 1, dtype=np.uint64), np.full(size, -1), values)


def test_values_of_every_kind_and_what_is_missing():
    rows = batch(
        event_type=np.array([0, 1], dtype=np.int16),
        device_id=np.array([0xABC, 0], dtype=np.uint64),
        amount=np.array([1234567.1, np.nan]),
        level=np.array([3.0, np.nan]),
        promo=np.array([1, -1], dtype=np.int8),
        ip=np.array([0x0B0203FE, 0], dtype=np.uint32),
    )
    ids = np.array([[1, 2], [3, 4]], dtype=np.uint64)
    keys, values = render("toll", COLUMNS, ids, rows, ACTOR_ID)
    assert keys == [b"a000000000001", b"a000000000002"]
    common = {"schema_version": SCHEMA_VERSION, "domain": "toll", "event_time": "2026-11-24T05:31:06.007Z"}
    assert json.loads(values[0]) == {
        **common,
        "event_id": "00000000000000010000000000000002",
        "actor_id": "a000000000001",
        "event_type": "pay",
        "device_id": "d000000000abc",
        "amount": 1234567.1,
        "level": 3,
        "promo": True,
        "ip": "11.2.3.254",
    }
    assert json.loads(values[1]) == {
        **common,
        "event_id": "00000000000000030000000000000004",
        "actor_id": "a000000000002",
        "event_type": 'quote"d',
    }


def test_nothing_renders_to_nothing():
    empty = batch(
        **{column.name: np.zeros(0, dtype=column.dtype) for column in COLUMNS},
    )
    assert render("toll", COLUMNS, np.zeros((0, 2), dtype=np.uint64), empty, ACTOR_ID) == ([], [])


def test_events_hold_what_contract_and_pack_name_and_no_more(piece, pack, cohort):
    known = COMMON_FIELD_NAMES | {field.name for field in pack.fields}
    required = {field.name for field in COMMON_FIELDS if field.required}
    for key, value in events(piece, pack.name, cohort.model.columns):
        event = json.loads(value)
        assert event["actor_id"].encode() == key
        assert event.keys() <= known
        assert event.keys() >= required
        assert "amount" not in event or "currency" in event


def test_events_are_what_the_contract_takes(piece, pack, cohort):
    schema = jsonschema.Draft202012Validator(event_json_schema(pack, get_settings().event_times_ms))
    for _, value in events(piece, pack.name, cohort.model.columns)[::20]:
        schema.validate(json.loads(value))


def test_event_times_and_ids_are_those_of_the_slice(piece, pack, cohort):
    rendered = [json.loads(value) for _, value in events(piece, pack.name, cohort.model.columns)]
    times = [round(datetime.fromisoformat(event["event_time"]).timestamp() * 1000) for event in rendered]
    assert times == piece.events.time_ms.tolist()
    assert [event["event_id"] for event in rendered] == [f"{a:016x}{b:016x}" for a, b in piece.event_ids.tolist()]
    assert datetime.fromisoformat(rendered[0]["event_time"]).tzinfo == UTC


def test_no_byte_of_an_event_gives_the_campaign_away(piece, pack, cohort):
    everything = b"\n".join(value for _, value in events(piece, pack.name, cohort.model.columns))
    words = {scenario.name for scenario in piece.scenarios} | set(pack.fraud_types)
    words |= {"fraud", "label", "campaign", "lookalike", "scenario", "verdict"}
    found = [word for word in sorted(words) if re.search(rf"\b{word}\b".encode(), everything)]
    assert not found
    campaigns = list(truth_of_slice(pack, cohort.model.columns, piece))
    assert len(campaigns) == len(piece.campaigns)
    for campaign in campaigns:
        assert campaign.campaign_id.rsplit("-", 1)[1].encode() not in everything


def test_words_outside_a_vocabulary_are_refused():
    with pytest.raises(ValueError, match="not in the vocabulary of event_type"):
        COLUMNS[0].encode("refund")
