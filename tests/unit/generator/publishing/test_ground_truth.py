import json

import numpy as np
import pytest

from patternalarm.contracts.domain_pack import load_pack
from patternalarm.generator.batch import ACTOR_ID
from patternalarm.generator.publishing.ground_truth import (
    FRAUD,
    LOOKALIKE,
    SOURCE,
    label_records,
    moved_out,
    truth_of_slice,
)
from patternalarm.generator.render import render


def test_truth_names_every_event_of_every_campaign_and_no_other(piece, pack, model):
    campaigns = list(truth_of_slice(pack, model.columns, piece))
    staged = piece.event_ids[piece.events.row >= 0].tolist()
    told = [event.event_id for campaign in campaigns for event in campaign.events]
    assert sorted(told) == sorted(f"{a:016x}{b:016x}" for a, b in staged)
    assert {campaign.kind for campaign in campaigns} == {FRAUD, LOOKALIKE}
    assert {campaign.fraud_type for campaign in campaigns} <= set(pack.fraud_types)
    assert len({campaign.campaign_id for campaign in campaigns}) == len(campaigns)


def test_truth_is_what_the_events_say(piece, pack, model):
    position = {f"{a:016x}{b:016x}": i for i, (a, b) in enumerate(piece.event_ids.tolist())}
    amounts = piece.events.values.get("amount")
    for campaign in truth_of_slice(pack, model.columns, piece):
        for event in campaign.events:
            i = position[event.event_id]
            assert event.event_time_ms == piece.events.time_ms[i]
            assert event.actor_id == f"a{int(piece.events.actor[i]):012x}"
            assert event.amount == (None if amounts is None or np.isnan(amounts[i]) else amounts[i])


def test_what_a_campaign_moved_out_is_what_its_pack_says_of_the_events_as_sent(piece, pack, model):
    _, values = render(pack.name, model.columns, piece.event_ids, piece.events, ACTOR_ID)
    sent = {event["event_id"]: event for event in map(json.loads, values)}
    tried = 0
    for campaign in truth_of_slice(pack, model.columns, piece):
        for event in campaign.events:
            fields = sent[event.event_id]
            texts = {name: value if isinstance(value, str) else str(value).lower() for name, value in fields.items()}
            moves = pack.moves_money_out(fields.get("amount"), texts)
            tried += moves is False
            assert event.moved == (pytest.approx(fields["amount"], abs=0.01) if moves and "amount" in fields else None)
    assert bool(tried) == bool(pack.money_tried)


def test_money_moved_out_is_in_the_packs_currency_and_a_refund_moves_none():
    pack = load_pack("payments")
    paid = {"event_type": "payment", "status": "approved", "currency": "USD"}
    assert moved_out(pack, 10.0, paid) == pytest.approx(8.6)
    assert moved_out(pack, 10.0, {**paid, "currency": "EUR"}) == 10.0
    for amount, texts in (
        (-10.0, paid),
        (None, paid),
        (10.0, {**paid, "status": "declined"}),
        (10.0, {**paid, "status": None}),
        (10.0, {**paid, "event_type": "deposit"}),
    ):
        assert moved_out(pack, amount, texts) is None


def test_labels_are_of_frauds_alone_and_come_after_the_delay_of_their_type(piece, pack, model):
    campaigns = list(truth_of_slice(pack, model.columns, piece))
    keys, values = label_records(campaigns)
    frauds = {e.event_id: (c, e) for c in campaigns if c.kind == FRAUD for e in c.events}
    assert sorted(key.decode() for key in keys) == sorted(frauds)
    for key, value in zip(keys, values, strict=True):
        campaign, event = frauds[key.decode()]
        assert json.loads(value) == {
            "event_id": event.event_id,
            "actor_id": event.actor_id,
            "event_time_ms": event.event_time_ms,
            "label_time_ms": event.event_time_ms + pack.fraud_types[campaign.fraud_type].label_delay,
            "campaign_id": campaign.campaign_id,
            "verdict": campaign.fraud_type,
            "source": SOURCE,
        }


def test_quiet_activity_has_no_truth(cohort, pack, model):
    for piece in cohort.history(1_795_498_266_000, 8.0):
        assert list(truth_of_slice(pack, model.columns, piece)) == []
