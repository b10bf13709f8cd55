import json
import math
from decimal import Decimal

import pytest
from alert_material import NOON_MS, evidence_record, hit_record

from patternalarm.alerts.findings import (
    ContractBreachError,
    Coordinates,
    HitEvent,
    hit_events,
    read_evidence,
    read_pattern_hit,
)

AT = Coordinates("evidence.toll", 0, 41)


def test_missing_values_come_as_null_or_as_the_string_nan(pack):
    record = evidence_record(pack, "e1", values=[None, "NaN", 2.5], amount=19.99)
    evidence = read_evidence(json.dumps(record).encode(), pack, AT)
    assert evidence.values[0] is None
    assert math.isnan(evidence.values[1])
    assert evidence.values[2] == 2.5
    assert evidence.amount == Decimal("19.99")


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (b'{"event_id": "e1", ', "JSON"),
        (None, "empty"),
        (b"[]", "should be an object"),
        ({"event_id": None}, "event_id"),
        ({"event_time_ms": "noon"}, "event_time_ms"),
        ({"type_score": "NaN"}, "type_score"),
        ({"fraud_type": "arson"}, "arson"),
        ({"values": [1.0]}, "1 of 3 features"),
    ],
)
def test_evidence_that_breaks_the_contract_is_refused_with_its_coordinates(pack, value, named):
    if isinstance(value, dict):
        value = json.dumps(evidence_record(pack, "e1", **value)).encode()
    with pytest.raises(ContractBreachError, match=r"topic evidence.toll, partition 0, offset 41") as refused:
        read_evidence(value, pack, AT)
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"severity": "dire"}, "severity"),
        ({"subject_type": "planet"}, "subject_type"),
        ({"events": ""}, "events"),
        ({"events": "e1|noon|1.0"}, "events"),
        ({"events": "e1|5|1.0,"}, "events"),
        ({"fraud_type": "suspicious_activity"}, "suspicious_activity"),
    ],
)
def test_a_pattern_hit_that_breaks_the_contract_is_refused(pack, changes, named):
    record = hit_record([("e1", NOON_MS, "1.0")], **changes)
    with pytest.raises(ContractBreachError, match="offset 41") as refused:
        read_pattern_hit(json.dumps(record).encode(), pack, AT)
    assert named in str(refused.value)


def test_hit_events_keep_ids_that_hold_the_separators():
    assert hit_events("a,b|c|5|1.5000,d|6|,e|7|-2") == (
        HitEvent("a,b|c", 5, Decimal("1.5000")),
        HitEvent("d", 6, None),
        HitEvent("e", 7, Decimal(-2)),
    )


def test_a_nul_in_an_id_becomes_a_character_that_postgresql_can_hold(pack):
    evidence = read_evidence(json.dumps(evidence_record(pack, "e\x001")).encode(), pack, AT)
    assert evidence.event_id == "e\ufffd1"
