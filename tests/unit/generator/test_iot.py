"""IoT's frauds: spoofing has an order of its own, and no fraud shows in one raw field."""

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
    return load_pack("iot")


@pytest.fixture(scope="module")
def watched(pack):
    return cohorts(pack)


@pytest.fixture(scope="module")
def heard(pack):
    """Two minutes of many devices: event types, hardware, whether it is new, scenario's name ("" = ordinary)."""
    cohort = Cohort("iot", 7, 0, 1_500)
    earlier = [piece.events for piece in cohort.history(START_MS, 8.0)]
    (piece,) = cohort.measured(START_MS, 120.0, 20_000)
    features = emulate(pack, cohort.model.columns, concatenate([*earlier, piece.events]))[-len(piece) :]
    events = piece.events
    (types,) = (column.vocabulary for column in cohort.model.columns if column.name == "event_type")
    names = np.array([*(scenario.name for scenario in piece.scenarios), ""])
    return {
        "event_type": np.array(types)[events.values["event_type"]],
        "campaign": events.row,
        "scenario": names[np.where(events.row >= 0, piece.campaigns.scenario[events.row.clip(0)], -1)],
        "time": events.time_ms,
        "actor": events.actor,
        "hardware": events.values["device_id"],
        "new_hardware": features[:, pack.feature_names.index("new_hardware")] == 1,
        "value_ratio": features[:, pack.feature_names.index("value_ratio")],
    }


def spoken_for(events):
    """Positions of connections by hardware whose first sign, under this identity, was a failed authentication."""
    hits = []
    for first in np.flatnonzero((events["event_type"] == "auth_failed") & events["new_hardware"]):
        own = (events["actor"] == events["actor"][first]) & (events["hardware"] == events["hardware"][first])
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
        assert heard["new_hardware"][events[0]]
        assert len(np.unique(heard["hardware"][events])) == 1


def test_hardly_any_other_device_does_all_of_that(heard):
    hits = spoken_for(heard)
    spoofed = heard["scenario"][hits] == "device_spoofing"
    assert spoofed.mean() >= PATTERN_PRECISION
    every = np.unique(heard["campaign"][heard["scenario"] == "device_spoofing"])
    assert len(np.unique(heard["campaign"][hits[spoofed]])) >= PATTERN_PRECISION * len(every)


def test_look_alikes_have_the_failures_or_the_new_hardware(heard):
    flaky, swap = heard["scenario"] == "flaky_network", heard["scenario"] == "hardware_swap"
    assert (heard["event_type"][flaky] == "auth_failed").any()
    assert not heard["new_hardware"][flaky].any()
    assert heard["new_hardware"][swap].any()
    assert not (heard["event_type"][swap] == "auth_failed").any()


def test_a_heat_wave_takes_readings_as_far_off_as_tampering(heard):
    def off(name):
        readings = (heard["scenario"] == name) & (heard["event_type"] == "reading")
        return np.abs(heard["value_ratio"][readings] - 1)

    assert np.nanquantile(off("heat_wave"), 0.9) >= np.nanquantile(off("sensor_tampering"), 0.5)


def test_a_forest_finds_most_campaigns_at_few_false_alarms(pack, watched):
    recall, precision = recall_and_precision_of_a_forest(pack, *watched)
    assert recall >= TARGET
    assert precision >= TARGET


def test_no_raw_field_alone_comes_near(pack, watched):
    fitted, _, tested = watched
    scores = best_f1_of_single_fields(pack, fitted, tested)
    assert {fraud_type for fraud_type, _ in scores} == set(pack.fraud_types)
    assert not {key: round(score, 2) for key, score in scores.items() if score >= SINGLE_FIELD_LIMIT}
