"""What a viewer sees of personal fields."""

from datetime import UTC, datetime

import pytest

from patternalarm.api.masking import MASK, mask, pack_of
from patternalarm.api.models.alerts import Alert, AlertEvent, AlertReason, CaseState
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.events import PersonalData

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def pack():
    return load_pack("payments")


def _alert(**changes):
    values = {
        **dict.fromkeys(Alert.model_fields, None),
        **dict.fromkeys(("first_event_time", "last_event_time", "detected_at", "updated_at"), NOON),
        "alert_id": "a",
        "scope": "live",
        "domain": "payments",
        "fraud_type": "card_testing",
        "severity": "low",
        "subject_type": "actor",
        "subject_id": "acct-00104711",
        "reasons": [],
        "amount_at_risk": 1,
        "amount_tried": 0,
        "event_count": 1,
        "first_source": "score",
        "pack_version": "1",
        "case": CaseState(),
    }
    return Alert.model_validate(values | changes)


def _event(fields, features=None):
    values = dict.fromkeys(AlertEvent.model_fields, None)
    told = {"actor_id": "acct-00104711", "event_id": "e1", "source": "score", "event_time": NOON, "committed_at": NOON}
    return AlertEvent.model_validate(values | told | {"fields": fields, "features": features})


def test_every_field_is_masked_by_its_class(pack):
    for field in pack.fields:
        shown = mask(_event({field.name: "value-of-a-field"}), pack).fields[field.name]
        assert (shown == "value-of-a-field") is (field.personal is PersonalData.NONE)
    fields = {"ip": "192.0.2.7", "device_id": "device-000017", "country": "AT", "counterparty_id": "short"}
    assert mask(_event(fields), pack).fields == {
        "ip": MASK,
        "device_id": f"{MASK}0017",
        "country": "AT",
        "counterparty_id": MASK,
    }


def test_what_no_pack_tells_is_masked_whole():
    assert pack_of("../payments") is None
    assert mask(_event({"plate": "W-12345 with more", "country": "AT"}), None).fields == {
        "plate": MASK,
        "country": "AT",
    }
    reason = AlertReason(code="plate_seen", text="the plate W-12345 is new", contribution=0.2)
    assert mask(_alert(reasons=[reason]), None).reasons[0].text == "plate seen"


def test_a_reason_that_names_a_personal_field_is_told_by_its_feature(pack):
    features = [
        f.model_copy(update={"reason": "{device_id} did {value}"}) for f in pack.features if f.name == "devices_2m"
    ]
    named = pack.model_copy(update={"features": tuple(features)})
    reason = AlertReason(code="devices_2m", text="device-000017 did 3", contribution=0.2)
    assert mask(_alert(reasons=[reason]), named).reasons[0].text == features[0].description.rstrip(".")
    assert mask(_alert(reasons=[reason]), pack).reasons == [reason]


def test_a_feature_that_is_a_personal_field_is_left_out(pack):
    fields = [
        f.model_copy(update={"personal": PersonalData.DIRECT}) for f in pack.fields if f.name == "account_age_days"
    ]
    personal = pack.model_copy(update={"fields": tuple(fields)})
    event = _event({}, {"account_age_days": 12.0, "devices_2m": 3.0})
    assert mask(event, personal).features == {"account_age_days": None, "devices_2m": 3.0}
    assert mask(event, pack).features == {"account_age_days": 12.0, "devices_2m": 3.0}


def test_the_subject_keeps_its_last_characters(pack):
    assert mask(_alert(), pack).subject_id == f"{MASK}4711"
    assert mask(_alert(subject_id="car-1"), pack).subject_id == MASK
