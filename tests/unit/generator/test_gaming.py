"""Gaming's frauds: a takeover has an order of its own."""

import numpy as np
import pytest
from synthetic_activity import watched_activity

from patternalarm.contracts.domain_pack import load_pack

PATTERN_PRECISION = 0.9


@pytest.fixture(scope="module")
def played():
    return watched_activity(load_pack("gaming"))


def takeovers_of(events):
    """Positions of gifts that follow a login from a new device and a change of credentials, all from that device."""
    steps = np.select(
        [
            (events["event_type"] == "login") & (events["feature_new_device"] == 1),
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
        assert played["feature_new_device"][events[0]] == 1
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
