import json

import pytest
from alert_material import NOON_MS, PACK, evidence_record, forest, hit_record, split, toll_pack, write_model

from patternalarm.alerts.explainer import ForestExplainer
from patternalarm.alerts.findings import Coordinates, read_evidence, read_pattern_hit
from patternalarm.alerts.reasons import PatternReasons, Reason, ScoreReasons
from patternalarm.contracts.alerts import EvidenceSource, Severity, SubjectType
from patternalarm.contracts.domain_pack import PackError, load_pack, pack_names
from patternalarm.models.verify import verify_model
from patternalarm.patterns import Pattern

AT = Coordinates("evidence.toll", 0, 0)


@pytest.fixture
def reasons(pack, tmp_path):
    model = verify_model(write_model(tmp_path / "model", pack), pack)
    explainer = ForestExplainer(forest(), classes=3, features=3)
    reasons = ScoreReasons(pack, model, explainer)

    def of(**changes):
        record = evidence_record(pack, "e1", **changes)
        (found,) = reasons.of([read_evidence(json.dumps(record).encode(), pack, AT)])
        return found

    return of


def test_sentences_tell_the_numbers_of_this_very_event_strongest_first(reasons):
    assert reasons(values=[1234.5, 2.0, 5.0]) == [
        Reason("amount", "the toll is 1,234.50 EUR", 0.1333, EvidenceSource.SCORE),
        Reason("passes_5m", "5 passes within 5 minutes", 0.0667, EvidenceSource.SCORE),
    ]


def test_only_what_speaks_for_the_type_is_told(reasons):
    found = reasons(fraud_type="gate_run", values=[80.0, 2.0, 5.0])
    assert [(reason.code, reason.text) for reason in found] == [("lane_kind", "it passed a video lane in AT")]


def test_suspicious_activity_is_explained_by_what_speaks_against_legitimate(reasons):
    found = reasons(fraud_type="suspicious_activity")
    assert [reason.code for reason in found] == ["amount", "lane_kind", "passes_5m"]


def test_a_missing_value_is_no_reason_and_a_missing_field_reads_unknown(reasons):
    found = reasons(fraud_type="suspicious_activity", values=[None, 2.0, 5.0], country=None)
    assert [reason.text for reason in found] == [
        "it passed a video lane in unknown",
        "5 passes within 5 minutes",
    ]


@pytest.mark.parametrize("changes", [{"model_version": "m-0"}, {"feature_set": "other"}, {"values": [1.0, 0.0, 1.0]}])
def test_what_this_forest_cannot_explain_still_has_a_reason(reasons, changes):
    assert reasons(**changes) == [
        Reason("score", "the model gives plate swap a probability of 70%", 0.7, EvidenceSource.SCORE)
    ]


@pytest.mark.parametrize("sentence", ["{colour} car", "{value:q}", "{value", "{lane:.2f} lane"])
def test_a_sentence_that_cannot_be_told_is_refused_before_any_alert(tmp_path, sentence):
    features = [{**PACK["features"][0], "reason": sentence}, *PACK["features"][1:]]
    pack = toll_pack(tmp_path, features=features)
    model = verify_model(write_model(tmp_path / "model", pack), pack)
    with pytest.raises(PackError, match="feature amount"):
        ScoreReasons(pack, model, ForestExplainer(forest(), classes=3, features=3))


def _hit(pack, **changes):
    events = [("e1", NOON_MS, "1000.5000"), ("e2", NOON_MS + 61_000, "")]
    return read_pattern_hit(json.dumps(hit_record(events, **changes)).encode(), pack, AT)


def test_a_pattern_gives_the_sentence_of_its_header_with_the_numbers_of_the_match(pack):
    pattern = Pattern(
        name="two_gates",
        version="2",
        domain="toll",
        fraud_type="plate_swap",
        severity=Severity.CRITICAL,
        subject_type=SubjectType.ACTOR,
        reason="One plate passed two gates at once.",
        sql="",
    )
    reason = PatternReasons([pattern]).of(_hit(pack))
    assert reason.code == "two_gates"
    assert reason.text == "One plate passed two gates at once (2 events in 61 s, 1,000.50 EUR)"
    assert reason.source is EvidenceSource.PATTERN


def test_a_pattern_whose_file_is_gone_is_named(pack):
    assert "two_gates" in PatternReasons([]).of(_hit(pack)).text


@pytest.mark.parametrize("name", pack_names())
def test_every_sentence_of_the_packs_that_ship_can_be_told(tmp_path, name):
    pack = load_pack(name)
    model = verify_model(write_model(tmp_path / name, pack), pack)
    leaf_shares = tuple(1.0 / len(pack.classes) for _ in pack.classes)
    explainer = ForestExplainer([split(0, 1.0, leaf_shares, leaf_shares)], len(pack.classes), len(pack.features))
    ScoreReasons(pack, model, explainer)
