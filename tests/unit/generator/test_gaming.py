"""Gaming's frauds: a takeover has an order of its own, and no fraud shows in one raw field."""

import numpy as np
import pytest
from feature_emulator import emulate
from forest import best_f1_of_single_fields, cohorts, recall_and_precision_of_a_forest

from patternalarm.contracts.domain_pack import load_pack
from patternalarm.generator.batch import concatenate
from patternalarm.generator.cohort import Cohort

START_MS = 1_795_498_266_000
TARGET = 0.8
PATTERN_PRECISION = 0.9
SINGLE_FIELD_LIMIT = 0.55


@pytest.fixture(scope="module")
def pack():
    return load_pack("gaming")


@pytest.fixture(scope="module")
def watched(pack):
    return cohorts(pack)


@pytest.fixture(scope="module")
def played(pack):
    """Two minutes of many players: event types, devices, whether each is new, scenario's name ("" = ordinary)."""
    cohort = Cohort("gaming", 7, 0, 1_500)
    earlier = [piece.events for piece in cohort.history(START_MS, 8.0)]
    (piece,) = cohort.measured(START_MS, 120.0, 20_000)
    features = emulate(pack, cohort.model.columns, concatenate([*earlier, piece.events]))[-len(piece) :]
    events, columns = piece.events, {column.name: column for column in cohort.model.columns}
    words = {
        name: np.array([*columns[name].vocabulary, ""])[events.values[name]] for name in ("event_type", "trade_side")
    }
    names = np.array([*(scenario.name for scenario in piece.scenarios), ""])
    return {
        **words,
        "campaign": events.row,
        "scenario": names[np.where(events.row >= 0, piece.campaigns.scenario[events.row.clip(0)], -1)],
        "time": events.time_ms,
        "actor": events.actor,
        "device": events.values["device_id"],
        "new_device": features[:, pack.feature_names.index("new_device")] == 1,
    }


def takeovers_of(events):
    """Positions of gifts that follow a login from a new device and a change of credentials, all from that device."""
    steps = np.select(
        [
            (events["event_type"] == "login") & events["new_device"],
            events["event_type"] == "credential_change",
            (events["event_type"] == "trade") & (events["trade_side"] == "give"),
        ],
        [1, 2, 3],
    )
    order = np.flatnonzero(steps)
    order = order[np.lexsort((events["time"][order], events["device"][order], events["actor"][order]))]
    keys = np.column_stack((events["actor"], events["device"]))[order]
    in_a_row = (steps[order][:-2] == 1) & (steps[order][1:-1] == 2) & (steps[order][2:] == 3)
    of_one_device = (keys[:-2] == keys[2:]).all(axis=1)
    return order[2:][in_a_row & of_one_device]


def test_a_takeover_is_a_login_from_a_new_device_then_new_credentials_then_gifts(played):
    mine = played["scenario"] == "account_takeover"
    for campaign in np.unique(played["campaign"][mine]):
        events = np.flatnonzero(played["campaign"] == campaign)
        events = events[np.argsort(played["time"][events], kind="stable")]
        kinds = played["event_type"][events].tolist()
        assert kinds[:2] == ["login", "credential_change"]
        assert set(kinds[2:]) == {"trade"}
        assert set(played["trade_side"][events[2:]]) == {"give"}
        assert played["new_device"][events[0]]
        assert len(np.unique(played["device"][events])) == 1


def test_hardly_anybody_else_does_all_of_that(played):
    hits = takeovers_of(played)
    taken_over = played["scenario"][hits] == "account_takeover"
    assert taken_over.mean() >= PATTERN_PRECISION
    every = np.unique(played["campaign"][played["scenario"] == "account_takeover"])
    assert len(np.unique(played["campaign"][hits[taken_over]])) >= PATTERN_PRECISION * len(every)


@pytest.mark.parametrize("name", ["new_pc", "lan_party", "generous_gift"])
def test_a_look_alike_has_a_part_of_a_takeover(played, name):
    mine = played["scenario"] == name
    assert mine.any()
    for campaign in np.unique(played["campaign"][mine]):
        done = set(played["event_type"][played["campaign"] == campaign])
        assert done & {"login", "credential_change", "trade"}
        assert not done >= {"login", "credential_change", "trade"}


def test_a_forest_finds_most_campaigns_at_few_false_alarms(pack, watched):
    recall, precision = recall_and_precision_of_a_forest(pack, *watched)
    assert recall >= TARGET
    assert precision >= TARGET


def test_no_raw_field_alone_comes_near(pack, watched):
    fitted, _, tested = watched
    scores = best_f1_of_single_fields(pack, fitted, tested)
    assert {fraud_type for fraud_type, _ in scores} == set(pack.fraud_types)
    assert not {key: round(score, 2) for key, score in scores.items() if score >= SINGLE_FIELD_LIMIT}
