import json
import re

import numpy as np
import pytest
from alert_material import NOON_MS, PACK, evidence_record, forest, hit_record, toll_pack, write_model

from patternalarm.alerts.findings import read_evidence, read_pattern_hit
from patternalarm.alerts.reasons import PatternReasons, Reason, ScoreReasons, fields_of, sentence_of
from patternalarm.contracts.alerts import EvidenceSource, Severity, SubjectType
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.pack_folder import PackError, pack_names
from patternalarm.models.forest_scorer import ForestScorer
from patternalarm.models.verify import verify_model
from patternalarm.patterns import Pattern


@pytest.fixture
def reasons(pack, tmp_path):
    model = verify_model(write_model(tmp_path / "model", pack), pack)
    scorer = ForestScorer(forest(), classes=3, features=3)
    reasons = ScoreReasons(pack, model, scorer)

    def of(**changes):
        record = evidence_record(pack, "e1", **changes)
        (found,) = reasons.of([read_evidence(json.dumps(record).encode(), pack)])
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


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("{colour} car", "names 'colour'; it may name actor_id, amount"),
        ("{lane_kind} lane", "names 'lane_kind'"),
        ("{value:q}", "Unknown format code 'q'"),
        ("{value", "expected '}'"),
        ("{lane:.2f} lane", "Unknown format code 'f'"),
        ("{}", "names ''"),
        (" ", "says nothing"),
    ],
)
def test_a_sentence_that_cannot_be_told_is_refused_when_the_pack_loads(tmp_path, sentence, named):
    features = [{**PACK["features"][0], "reason": sentence}, *PACK["features"][1:]]
    with pytest.raises(PackError, match="feature amount, reason") as refused:
        toll_pack(tmp_path, features=features)
    assert named in str(refused.value)


IS_NEW = {"name": "new_lane", "op": "is_new", "key": "actor_id", "field": "lane", "window": "1d", "unit": "0/1",
          "description": "x"}  # fmt: skip


@pytest.mark.parametrize(
    ("feature", "named"),
    [
        ({**IS_NEW, "reason": "new lane: {value:.0f} (1 = yes)"}, "a yes or no: it takes reason_true and reason_false"),
        ({**IS_NEW, "reason_true": "the lane is new"}, "a yes or no"),
        ({**IS_NEW, "reason_true": "new: {value}", "reason_false": "known"}, "names 'value'"),
        ({**PACK["features"][2], "reason_true": "many", "reason_false": "few"}, "a number: it takes reason"),
    ],
)
def test_a_flag_has_a_sentence_for_yes_and_one_for_no(tmp_path, feature, named):
    with pytest.raises(PackError, match=named):
        toll_pack(tmp_path, features=[*PACK["features"][:2], feature])


def _hit(pack, **changes):
    events = [("e1", NOON_MS, 1000.5), ("e2", NOON_MS + 61_000, None)]
    return read_pattern_hit(json.dumps(hit_record(events, **changes)).encode(), pack)


def test_a_pattern_gives_the_sentence_of_its_header_with_the_numbers_of_the_match(pack):
    pattern = Pattern(
        name="two_gates",
        version="2",
        fraud_type="plate_swap",
        severity=Severity.CRITICAL,
        subject_type=SubjectType.ACTOR,
        reason="One plate passed two gates at once.",
        sql="",
    )
    reason = PatternReasons([pattern]).of(_hit(pack))
    assert reason.code == "two_gates"
    assert reason.text == "One plate passed two gates at once (2 events in 61 s, 1,000.50 EUR moved out)"
    assert reason.source is EvidenceSource.PATTERN


def test_a_pattern_whose_file_is_gone_is_named(pack):
    assert "two_gates" in PatternReasons([]).of(_hit(pack)).text


EVENT_TEXTS = {"event_type": "credential_change", "country": "AT", "channel": "web", "device_id": "d"}

# A whole number and the word that it counts.
COUNTED = re.compile(r"(?<![\d.,])([\d,]+)(?!\.\d) (?:(?:different|failed|firmware|network) )*([a-zA-Z]+)")
UNITS = {"ms", "dBm", "km"}
SINGULAR_WITH_S = {"address"}
SLIPS = re.compile(r"\(1 = |0/1|\bnan\b|\binf\b|_|\{|\}|-0(?![.,\d])|-0\.0+\b|\ba [aeiou]|  |None|unknown")


def _is_wrong(sentence):
    for number, word in COUNTED.findall(sentence):
        looks_many = word.endswith("s") and word not in SINGULAR_WITH_S
        if word not in UNITS and looks_many != (number != "1"):
            return True
    return bool(SLIPS.search(sentence))


def _told(name):
    """Every sentence of a pack for values small and huge, whole and not, with the feature and the value."""
    pack = load_pack(name)
    for place, feature in enumerate(pack.features):
        for value in (0.0, 0.4, 0.96, 1.0, 1.4, 2.0, 1000.5, 1e15, -1.0, -2.0, -1e-9):
            values = np.ones(len(pack.features))
            values[place] = value
            record = evidence_record(pack, "e1", values=list(values), fraud_type="suspicious_activity", **EVENT_TEXTS)
            evidence = read_evidence(json.dumps(record).encode(), pack)
            yield feature, value, sentence_of(feature, value, fields_of(evidence, values, pack))


@pytest.mark.parametrize("name", pack_names())
def test_every_sentence_of_the_packs_that_ship_reads_as_one(name):
    wrong = []
    for feature, value, sentence in _told(name):
        if _is_wrong(sentence):
            wrong.append((feature.name, value, sentence))
        if feature.unit == "0/1" and re.search(r"(?<!within )\b\d+\b(?! days)", sentence):
            wrong.append((feature.name, value, sentence))
    assert not wrong


@pytest.mark.parametrize(
    "sentence",
    ["1 promotions redeemed", "1 different devices within", "2 payment within 2 minutes", "1,000 payment in all",
     "promotion redeemed: 1 (1 = yes)",
     "the account is nan days old", "the event is a auth_failed", "0 day old"],
)  # fmt: skip
def test_the_rules_of_grammar_find_what_was_wrong(sentence):
    assert _is_wrong(sentence)


def test_a_few_sentences_as_analysts_read_them():
    told = {(feature.name, value): sentence for feature, value, sentence in _told("payments")}
    assert told["device_promos_2m", 1.0] == "1 promotion redeemed on this device within 2 minutes"
    assert told["device_promos_2m", 2.0] == "2 promotions redeemed on this device within 2 minutes"
    assert told["promo", 1.0] == "a promotion was redeemed"
    assert told["new_country", 0.0] == "this account was used in AT within 30 days"
    assert told["event_kind", 1.0] == "the kind of event is credential change"
    assert told["account_age_days", 1.0] == "the account is 1 day old"
