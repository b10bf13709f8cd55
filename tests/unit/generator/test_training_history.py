import numpy as np
import pytest

from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.topics import DAY_MS
from patternalarm.generator.activity.activity_file import load_activity
from patternalarm.generator.publishing.ground_truth import FRAUD
from patternalarm.generator.training_history import make_history, newest_settled_ms

NOW_MS = 1_795_498_266_000


@pytest.fixture(scope="module")
def history(domain):
    pack = load_pack(domain)
    return make_history(pack, load_activity(pack.name), 1_000_000_001, 28, 60_000, newest_settled_ms(pack, NOW_MS))


def test_every_label_is_known_by_now(history):
    latest = max(event.label_time_ms for campaign in history.campaigns for event in campaign.events)
    assert NOW_MS - 3 * DAY_MS < latest < NOW_MS


def test_about_as_many_events_as_asked_over_the_days_asked(history, pack):
    assert len(history) == pytest.approx(60_000, rel=0.03)
    watched = [piece for piece in history.pieces if len(piece.campaigns)]
    days = {int(piece.events.time_ms.min()) // DAY_MS for piece in watched}
    assert len(days) >= 24
    end = newest_settled_ms(pack, NOW_MS)
    assert all(end - 28 * DAY_MS <= piece.events.time_ms.min() for piece in watched)
    assert all(piece.events.time_ms.max() <= end for piece in watched)
    hours = {int(piece.events.time_ms.min()) // 3_600_000 % 24 for piece in watched}
    assert len(hours) > 8


def test_actors_are_as_busy_as_in_a_load_test(history):
    for piece in history.pieces:
        if len(piece.campaigns):
            minutes = (piece.events.time_ms.max() - piece.events.time_ms.min()) / 60_000
            assert len(piece) / minutes > 4 * 40 * 0.5
    watched = np.concatenate([piece.events.row for piece in history.pieces if len(piece.campaigns)])
    assert len(watched) > 0.4 * len(history)


def test_every_fraud_type_is_there_often_enough_to_learn(history, pack):
    counts = dict.fromkeys(pack.fraud_types, 0)
    for campaign in history.campaigns:
        if campaign.kind == FRAUD:
            counts[campaign.fraud_type] += 1
    assert min(counts.values()) >= 10


def test_the_same_seed_and_end_give_the_same_history():
    pack = load_pack("payments")
    first, second, other = (make_history(pack, load_activity(pack.name), seed, 28, 6_000, NOW_MS) for seed in (1, 1, 2))
    assert first.campaigns == second.campaigns
    assert not {c.campaign_id for c in first.campaigns} & {c.campaign_id for c in other.campaigns}
    assert all(np.array_equal(a.event_ids, b.event_ids) for a, b in zip(first.pieces, second.pieces, strict=True))


@pytest.mark.parametrize(("days", "events"), [(1, 500), (3, 2_000), (28, 5_000)])
def test_small_histories_come_too(days, events):
    history = make_history(load_pack("payments"), load_activity("payments"), 5, days, events, NOW_MS)
    assert len(history) == pytest.approx(events, rel=0.2)
