"""What is kept of an alert's event."""

import json

from alert_material import NOON_MS, evidence_record, hit_record

from patternalarm.alerts.context import features_of, fields_of_evidence, fields_of_hit
from patternalarm.alerts.findings import HitEvent, read_evidence
from patternalarm.contracts.events import FieldType


def _evidence(pack, **changes):
    return read_evidence(json.dumps(evidence_record(pack, "e1", **changes)).encode(), pack)


def test_evidence_keeps_what_was_sent_and_what_features_tell(pack):
    evidence = _evidence(pack, device_id="d-1", amount=93.02, currency="USD", values=[80.0, 2.0, None])
    assert fields_of_evidence(evidence, pack) == {
        "event_type": "pass",
        "device_id": "d-1",
        "country": "AT",
        "amount": "93.02",
        "currency": "USD",
        "lane": "video",
    }
    assert features_of(evidence, pack) == {"amount": 80.0, "lane_kind": 2.0, "passes_5m": None}


def test_a_value_that_is_missing_or_no_category_gives_no_field(pack):
    for value in (float("nan"), -1.0, 7.0):
        evidence = _evidence(pack, values=[80.0, value, float("nan")])
        assert "lane" not in fields_of_evidence(evidence, pack)
        assert features_of(evidence, pack)["passes_5m"] is None


def test_values_of_another_feature_set_are_not_named_by_this_one(pack):
    evidence = _evidence(pack, feature_set="another", values=[1.0])
    assert features_of(evidence, pack) is None
    assert fields_of_evidence(evidence, pack)["event_type"] == "pass"


def test_an_event_of_a_hit_keeps_the_pack_s_fields_typed(pack):
    (record,) = hit_record([("e1", NOON_MS, 80.0)])["events"]
    fields = pack.model_copy(
        update={
            "fields": tuple(
                pack.fields[0].model_copy(update={"name": name, "type": FieldType(kind)})
                for name, kind in (
                    ("lane", "string"),
                    ("axles", "integer"),
                    ("rented", "boolean"),
                    ("weight", "number"),
                )
            )
        }
    )
    own = {"lane": "tag", "axles": "2.0", "rented": "false", "weight": "NaN", "unheard_of": "x"}
    event = HitEvent.model_validate(
        record | {"event_type": "pass", "ip": "192.0.2.1", "amount_sent": 93.02, "currency": "USD", "own": own}
    )
    assert fields_of_hit(event, fields) == {
        "event_type": "pass",
        "ip": "192.0.2.1",
        "amount": "93.02",
        "currency": "USD",
        "lane": "tag",
        "axles": 2.0,
        "rented": False,
    }
    assert fields_of_hit(HitEvent.model_validate(record), pack) == {}
