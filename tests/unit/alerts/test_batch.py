import json
from decimal import Decimal

import pytest
from alert_material import EPISODE_MS, NOON_MS, evidence_record, hit_record

from patternalarm.alerts.batch import BatchBuilder
from patternalarm.alerts.findings import read_evidence, read_pattern_hit
from patternalarm.alerts.reasons import Reason
from patternalarm.contracts.alerts import EvidenceSource, Severity, alert_id_of

PATTERN_REASON = Reason("two_gates", "two gates", None, EvidenceSource.PATTERN)


@pytest.fixture
def build(pack):
    explained: list[str] = []

    def score_reasons(evidence):
        explained.extend(one.event_id for one in evidence)
        return [[Reason("amount", one.event_id, 0.1, EvidenceSource.SCORE)] for one in evidence]

    builder = BatchBuilder(pack, "run-1", score_reasons, lambda _: PATTERN_REASON)

    def build(*records):
        read = [
            (read_pattern_hit if "pattern" in record else read_evidence)(json.dumps(record).encode(), pack)
            for record in records
        ]
        return builder.build(read)

    build.explained = explained
    return build


def test_one_alert_per_subject_type_and_episode(pack, build):
    batch = build(
        evidence_record(pack, "e1"),
        evidence_record(pack, "e2", event_time_ms=NOON_MS + EPISODE_MS - 1),
        evidence_record(pack, "e3", event_time_ms=NOON_MS + EPISODE_MS),
        evidence_record(pack, "e4", fraud_type="gate_run"),
        evidence_record(pack, "e5", actor_id="car-2"),
    )
    assert len(batch.drafts) == 4
    first, later = batch.drafts[0].identity, batch.drafts[1].identity
    assert first.alert_id == alert_id_of("run-1", "toll", "actor", "car-1", "plate_swap", NOON_MS, EPISODE_MS)
    assert first.next_alert_id == later.alert_id
    assert later.previous_alert_id == first.alert_id
    assert [event.alert_id == first.alert_id for event in batch.events] == [True, True, False, False, False]


def test_the_first_finding_is_the_trigger_and_the_strongest_is_explained(pack, build):
    (draft,) = build(
        evidence_record(pack, "weak", type_score=0.55, sent_at_ms=NOON_MS + 1),
        evidence_record(pack, "strong", type_score=0.95, event_time_ms=NOON_MS + 9),
        evidence_record(pack, "middle", type_score=0.8, model_version="m-2"),
    ).drafts
    assert (draft.trigger_event_time_ms, draft.trigger_sent_at_ms) == (NOON_MS, NOON_MS + 1)
    assert (draft.score, draft.severity, draft.model_version) == (0.95, Severity.HIGH, "m-1")
    assert build.explained == ["strong"]
    assert [reason.text for reason in draft.reasons] == ["strong"]


def test_a_hit_belongs_to_the_episode_of_its_last_event_and_has_its_own_severity(pack, build):
    events = [("e1", NOON_MS - 5, 10.0), ("e2", NOON_MS + 5, None)]
    batch = build(hit_record(events, severity="low"))
    (draft,) = batch.drafts
    assert draft.identity.alert_id == alert_id_of(
        "run-1", "toll", "actor", "car-1", "plate_swap", NOON_MS + 5, EPISODE_MS
    )
    assert (draft.severity, draft.score, draft.first_source) == (Severity.LOW, None, EvidenceSource.PATTERN)
    assert draft.pattern_version == "two_gates@2"
    assert [(e.event_id, e.amount, e.source, e.detail) for e in batch.events] == [
        ("e1", Decimal("10.0000"), EvidenceSource.PATTERN, "two_gates"),
        ("e2", None, EvidenceSource.PATTERN, "two_gates"),
    ]


def test_both_sources_meet_in_one_alert_patterns_first(pack, build):
    (draft,) = build(
        evidence_record(pack, "e1", type_score=0.55),
        hit_record([("e1", NOON_MS, 80.0), ("e2", NOON_MS + 1, None)], severity="critical"),
    ).drafts
    assert (draft.first_source, draft.severity, draft.score) == (EvidenceSource.SCORE, Severity.CRITICAL, 0.55)
    assert [reason.source for reason in draft.reasons] == [EvidenceSource.PATTERN, EvidenceSource.SCORE]


@pytest.mark.parametrize(
    ("fraud_type", "score", "severity"),
    [
        ("plate_swap", 0.99, Severity.HIGH),
        ("plate_swap", 0.59, Severity.MEDIUM),
        ("gate_run", 0.99, Severity.LOW),
        ("gate_run", 0.51, Severity.LOW),
        ("suspicious_activity", 0.99, Severity.MEDIUM),
    ],
)
def test_evidence_is_as_severe_as_its_fraud_type_whatever_the_score(pack, build, fraud_type, score, severity):
    (draft,) = build(evidence_record(pack, "e1", fraud_type=fraud_type, type_score=score)).drafts
    assert draft.severity is severity


def test_an_event_counts_with_its_amount_in_the_base_currency(pack, build):
    record = evidence_record(pack, "e1", amount=3000, currency="JPY", amount_base=17.5, money_out=False)
    (event,) = build(record).events
    assert (event.amount, event.money_out) == (Decimal("17.5"), False)
