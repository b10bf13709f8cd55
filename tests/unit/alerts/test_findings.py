import base64
import json
import math
from decimal import Decimal

import pytest
from alert_material import NOON_MS, evidence_record, hit_record

from patternalarm.alerts.findings import (
    ContractBreachError,
    HitEvent,
    PassedOn,
    passed_on,
    quarantined,
    read_evidence,
    read_pattern_hit,
)
from patternalarm.contracts.quarantine import QuarantineReason, Stage
from patternalarm.contracts.records import EVIDENCE_COLUMNS, PATTERN_HIT_COLUMNS, Coordinates

AT = Coordinates("evidence.toll", 0, 41)


def test_missing_values_come_as_null_or_as_the_string_nan(pack):
    record = evidence_record(pack, "e1", values=[None, "NaN", 2.5], amount_base=19.99)
    evidence = read_evidence(json.dumps(record).encode(), pack)
    assert evidence.values[0] is None
    assert math.isnan(evidence.values[1])
    assert evidence.values[2] == 2.5
    assert evidence.amount_base == Decimal("19.99")


@pytest.mark.parametrize("amount", ["999999999999.9998", "559455632375.6673", "1E+2", "80.0000", "-0.0001"])
def test_an_amount_is_read_exactly(pack, amount):
    value = json.dumps(evidence_record(pack, "e1", amount_base=0)).replace(
        '"amount_base": 0', f'"amount_base": {amount}'
    )
    assert read_evidence(value.encode(), pack).amount_base == Decimal(amount)


@pytest.mark.parametrize("number", ["1e999999999", "1e400", "-1e9999999999999999999", "9" * 5_000])
@pytest.mark.parametrize("column", ["event_time_ms", "amount_base", "type_score"])
def test_a_number_beyond_all_bounds_is_refused_without_computing_it(pack, column, number):
    record = json.dumps(evidence_record(pack, "e1", **{column: 0.5}))
    value = record.replace(f'"{column}": 0.5', f'"{column}": {number}').encode()
    with pytest.raises(ContractBreachError):
        read_evidence(value, pack)


def test_json_that_is_nested_too_deep_is_refused(pack):
    with pytest.raises(ContractBreachError, match="no JSON"):
        read_evidence(b'{"a": ' * 100_000, pack)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (b'{"event_id": "e1", ', "JSON"),
        (None, "empty"),
        (b"[]", "valid dictionary"),
        (b'{"event_id": "phone \\ud83d"}', "event_id: .*unicode"),
        ({"event_id": None}, "event_id"),
        ({"event_id": ""}, "event_id"),
        ({"event_id": "x" * 3_000}, "event_id"),
        ({"event_time_ms": "noon"}, "event_time_ms"),
        ({"event_time_ms": 99_999_999_999_999_999}, "event_time_ms"),
        ({"amount_base": 1e13}, "amount_base"),
        ({"amount_base": 0.00001}, "amount_base"),
        ({"type_score": "NaN"}, "type_score"),
        ({"type_score": 1.5}, "type_score"),
        ({"fraud_type": "arson"}, "arson"),
        ({"values": [1.0]}, "1 of 3 features"),
        ({"values": [1.0, 2.0, "Infinity"]}, "finite"),
    ],
)
def test_evidence_that_breaks_the_contract_is_refused_by_name(pack, value, named):
    if isinstance(value, dict):
        value = json.dumps(evidence_record(pack, "e1", **value)).encode()
    with pytest.raises(ContractBreachError, match=named):
        read_evidence(value, pack)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"severity": "dire"}, "severity"),
        ({"subject_type": "planet"}, "subject_type"),
        ({"events": []}, "events"),
        ({"events": "e1|5|1.0"}, "events"),
        ({"events": [{"actor_id": "a1", "event_id": "e1"}]}, "events.0.event_time_ms"),
        ({"events": [{"event_id": "e1", "event_time_ms": 5}]}, "events.0.actor_id"),
        ({"fraud_type": "suspicious_activity"}, "suspicious_activity"),
    ],
)
def test_a_pattern_hit_that_breaks_the_contract_is_refused_by_name(pack, changes, named):
    record = hit_record([("e1", NOON_MS, 1.0)], **changes)
    with pytest.raises(ContractBreachError, match=named):
        read_pattern_hit(json.dumps(record).encode(), pack)


@pytest.mark.parametrize("event_id", ["x|5|7,y", 'say "so"', "back\\slash", "\U0001f4f1", "a,b|c|5|1.5000,d|6|"])
def test_hit_events_keep_ids_that_hold_anything(pack, event_id):
    record = hit_record([(event_id, 5, 1.5), ("d", 6, None)])
    assert read_pattern_hit(json.dumps(record).encode(), pack).events == (
        HitEvent(actor_id="car-1", event_id=event_id, event_time_ms=5, amount=Decimal("1.5"), money_out=True),
        HitEvent(actor_id="car-1", event_id="d", event_time_ms=6, amount=None, money_out=True),
    )


def test_the_tests_records_have_the_columns_of_the_contract(pack):
    assert evidence_record(pack, "e1").keys() >= EVIDENCE_COLUMNS.keys()
    hit = hit_record([("e1", 5, 1.0)])
    assert hit.keys() == PATTERN_HIT_COLUMNS.keys()
    assert all(f"{name} " in PATTERN_HIT_COLUMNS["events"] for name in hit["events"][0])


def test_what_another_stage_could_not_take_keeps_its_own_coordinates_and_source(pack):
    record = {
        "stage": "scorer", "topic": "features.toll", "partition": 2, "offset": 7, "reason": "breaks_contract",
        "detail": "no JSON",
        "raw": base64.b64encode(b'{"source_topic":"events.toll","source_partition":1,"source_offset":3}').decode(),
    }  # fmt: skip
    read = read_evidence(json.dumps(record).encode(), pack)
    assert isinstance(read, PassedOn)
    found = passed_on(read)
    assert (found.stage, found.at) == (Stage.SCORER, Coordinates("features.toll", 2, 7))
    assert found.source == Coordinates("events.toll", 1, 3)


@pytest.mark.parametrize(
    "raw", [None, b"", b"{", b'{"source_topic": "t", "source_partition": 1e9, "source_offset": -1}']
)
def test_a_record_that_tells_no_source_has_none(raw):
    found = quarantined(AT, raw, QuarantineReason.BREAKS_CONTRACT, ValueError(" it is late "))
    assert (found.at, found.source, found.raw, found.detail) == (AT, None, raw, "it is late")
