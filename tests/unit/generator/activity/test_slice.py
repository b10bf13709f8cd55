import numpy as np
import pytest

from patternalarm.generator.activity.slice import in_order_of_sending

START_MS = 1_795_498_266_000
SECONDS = 120.0


def rows_of(piece, fraud=None):
    """Campaign of every event, -1 where there is none or it is not of the kind asked for."""
    rows = piece.events.row
    if fraud is None:
        return rows
    kinds = np.array([scenario.fraud for scenario in piece.scenarios])[piece.campaigns.scenario]
    return np.where((rows >= 0) & (kinds[rows] == fraud), rows, -1)


def few_events(piece):
    """Names of the frauds of fewer than three events, and of the look-alikes of fewer than two."""
    rows = piece.events.row
    sizes = np.bincount(rows[rows >= 0], minlength=len(piece.campaigns))
    scenarios = [piece.scenarios[i] for i in piece.campaigns.scenario]
    return [s.name for s, size in zip(scenarios, sizes, strict=True) if size < (3 if s.fraud else 2)]


def test_every_campaign_is_a_chain_of_events_within_the_slice(piece):
    assert not few_events(piece)
    staged = piece.events.time_ms[piece.events.row >= 0]
    assert staged.min() >= START_MS
    assert staged.max() < START_MS + SECONDS * 1000


def test_every_campaign_unfolds_over_15_to_80_seconds(piece):
    for number in range(len(piece.campaigns)):
        times = piece.events.time_ms[piece.events.row == number]
        assert 14_999 <= times.max() - times.min() <= 80_001


def test_a_short_slice_holds_whole_campaigns(cohort):
    (piece,) = cohort.measured(START_MS, 20.0, 2_000)
    assert not few_events(piece)
    assert piece.events.time_ms.min() >= START_MS
    assert piece.events.time_ms.max() < START_MS + 20_000


def test_frauds_are_a_few_percent_of_events_and_look_alikes_as_many_campaigns(cohort):
    (piece,) = cohort.measured(START_MS, SECONDS, 20_000)
    assert 0.015 < (rows_of(piece, fraud=True) >= 0).mean() < 0.035
    kinds = np.array([scenario.fraud for scenario in piece.scenarios])[piece.campaigns.scenario]
    assert kinds.sum() == pytest.approx((~kinds).sum(), rel=0.05)


def test_every_fraud_type_of_the_pack_and_a_look_alike_of_each_take_place(cohort, pack):
    (piece,) = cohort.measured(START_MS, SECONDS, 20_000)
    for fraud in (True, False):
        happened = {
            piece.scenarios[i].fraud_type
            for i in np.unique(piece.campaigns.scenario)
            if piece.scenarios[i].fraud is fraud
        }
        assert happened == set(pack.fraud_types)


def test_events_are_sent_in_order_and_less_out_of_order_than_the_pack_allows(piece, pack):
    times = piece.events.time_ms
    assert (np.diff(piece.send_ms) >= 0).all()
    assert (piece.send_ms >= times).all()
    behind = np.maximum.accumulate(times) - times
    assert 0 < behind.max() <= pack.disorder / 2


def test_defrauded_accounts_do_nothing_after_the_fraud(piece):
    fraud = rows_of(piece, fraud=True) >= 0
    for actor in np.unique(piece.events.actor[fraud]):
        mine = piece.events.actor == actor
        assert (
            piece.events.time_ms[mine & (piece.events.row < 0)].max(initial=0)
            <= piece.events.time_ms[mine & fraud].max()
        )


def test_ids_of_events_campaigns_and_actors_are_unique_and_uniform(piece):
    ids = piece.event_ids
    assert len(np.unique(ids, axis=0)) == len(ids)
    assert len(np.unique(piece.campaigns.id)) == len(piece.campaigns)
    bits = np.unpackbits(ids.view(np.uint8), axis=1).mean(axis=0)
    # Five standard deviations of a fair coin.
    assert np.abs(bits - 0.5).max() < 5 * 0.5 / np.sqrt(len(ids))


def test_neither_ids_nor_their_order_tell_frauds_apart(piece):
    fraud = rows_of(piece, fraud=True) >= 0
    for column in (piece.event_ids[:, 0], piece.event_ids[:, 1]):
        share = column[fraud] / 2.0**64
        assert abs(share.mean() - 0.5) < 5 * np.sqrt(1 / 12 / fraud.sum())


def test_merging_keeps_every_event_with_its_id_and_send_time(cohort):
    pieces = list(cohort.history(START_MS, 8.0))
    events, ids, send = in_order_of_sending(pieces[::-1])
    assert len(events) == len(ids) == len(send) == sum(len(piece) for piece in pieces)
    assert (np.diff(send) >= 0).all()
    whole = {(*ids[i].tolist(), int(events.actor[i]), int(events.time_ms[i])) for i in range(len(ids))}
    parts = {
        (*piece.event_ids[i].tolist(), int(piece.events.actor[i]), int(piece.events.time_ms[i]))
        for piece in pieces
        for i in range(len(piece))
    }
    assert whole == parts
