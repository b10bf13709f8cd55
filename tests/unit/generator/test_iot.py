"""IoT's frauds: spoofing has an order of its own."""

import numpy as np
import pytest
from synthetic_activity import watched_activity

from patternalarm.contracts.domain_pack import load_pack

PATTERN_PRECISION = 0.9


@pytest.fixture(scope="module")
def heard():
    return watched_activity(load_pack("iot"))


def spoken_for(events):
    """Positions of connections by hardware whose first sign, under this identity, was a failed authentication."""
    hits = []
    for first in np.flatnonzero((events["event_type"] == "auth_failed") & (events["feature_new_hardware"] == 1)):
        own = (events["actor"] == events["actor"][first]) & (events["device"] == events["device"][first])
        later = np.flatnonzero(own & (events["time"] > events["time"][first]))
        later = later[np.argsort(events["time"][later], kind="stable")]
        kinds = events["event_type"][later].tolist()
        if "connect" in kinds and {"reading", "transmit"} & set(kinds[kinds.index("connect") :]):
            hits.append(later[kinds.index("connect")])
    return np.array(hits)


def test_spoofing_is_new_hardware_that_fails_then_connects_then_speaks(heard):
    mine = heard["scenario"] == "device_spoofing"
    for campaign in np.unique(heard["campaign"][mine]):
        events = np.flatnonzero(heard["campaign"] == campaign)
        events = events[np.argsort(heard["time"][events], kind="stable")]
        kinds = heard["event_type"][events].tolist()
        connected = kinds.index("connect")
        assert set(kinds[:connected]) == {"auth_failed"}
        assert set(kinds[connected + 1 :]) <= {"reading", "transmit"}
        assert len(kinds) > connected + 1
        assert heard["feature_new_hardware"][events[0]] == 1
        assert len(np.unique(heard["device"][events])) == 1


def test_hardly_any_other_device_does_all_of_that(heard):
    hits = spoken_for(heard)
    spoofed = heard["scenario"][hits] == "device_spoofing"
    assert spoofed.mean() >= PATTERN_PRECISION
    every = np.unique(heard["campaign"][heard["scenario"] == "device_spoofing"])
    assert len(np.unique(heard["campaign"][hits[spoofed]])) >= PATTERN_PRECISION * len(every)


def test_look_alikes_have_the_failures_or_the_new_hardware(heard):
    flaky, swap = heard["scenario"] == "flaky_network", heard["scenario"] == "hardware_swap"
    assert (heard["event_type"][flaky] == "auth_failed").any()
    assert not (heard["feature_new_hardware"][flaky] == 1).any()
    assert (heard["feature_new_hardware"][swap] == 1).any()
    assert not (heard["event_type"][swap] == "auth_failed").any()


def test_a_heat_wave_takes_readings_as_far_off_as_tampering(heard):
    def off(name):
        readings = (heard["scenario"] == name) & (heard["event_type"] == "reading")
        return np.abs(heard["feature_value_ratio"][readings] - 1)

    assert np.nanquantile(off("heat_wave"), 0.9) >= np.nanquantile(off("sensor_tampering"), 0.5)
