import json
from decimal import Decimal

import pytest
from profile_material import features_record, scores_record, to_bytes

from patternalarm.contracts.online_store import (
    EVENT_COLUMNS,
    EVENTS_KEPT,
    FEATURES,
    FEATURES_AT,
    LATEST_FEATURES_COLUMNS,
    LATEST_SCORES_COLUMNS,
    SCORES,
    SCORES_AT,
)
from patternalarm.contracts.records import FEATURES_COLUMNS, SCORE_COLUMNS
from patternalarm.online_store.batch import UpdateBuilder
from patternalarm.online_store.profiles import LatestFeatures, LatestScores, ProfileEvent, profile_of
from patternalarm.online_store.store import _MERGE


def test_what_is_kept_are_columns_of_the_records_and_all_that_a_reader_is_given():
    assert set(LATEST_FEATURES_COLUMNS) == LatestFeatures.model_fields.keys() <= FEATURES_COLUMNS.keys()
    assert set(LATEST_SCORES_COLUMNS) == LatestScores.model_fields.keys() <= SCORE_COLUMNS.keys()
    assert (
        set(EVENT_COLUMNS) == ProfileEvent.model_fields.keys() - {"score", "model_version"} <= FEATURES_COLUMNS.keys()
    )
    # The script puts the names together.
    assert (f"{FEATURES}_at", f"{SCORES}_at") == (FEATURES_AT, SCORES_AT)
    assert f"'{FEATURES}'" in _MERGE and f"'{SCORES}'" in _MERGE


@pytest.mark.parametrize("amount", ["999999999999.9998", "559455632375.6673", "-999999999999.9998", "80.0001", "0.0"])
def test_an_amount_is_kept_exactly(amount):
    record = to_bytes(features_record("car-1", 1, amount=0, event_id='"amount": 7'))
    builder = UpdateBuilder()
    builder.add_features([record.replace(b'"amount": 0', b'"amount": ' + amount.encode())])
    events = {name.encode(): value for name, value in builder.updates["car-1"].events.items()}
    (event,) = profile_of("live", "toll", "car-1", events).events
    assert event.amount == Decimal(amount)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        b"",
        b"[]",
        b'{"event_id": "e1"',
        b"\xff",
        *(
            to_bytes(features_record("car-1", 1, **{name: value}))
            for name in ("actor_id", "event_id", "event_time_ms", "source_offset", "values")
            for value in (None, {}, -1 if name == "source_offset" else [] if name != "values" else 1)
        ),
    ],
)
def test_what_breaks_the_contract_is_counted_and_passed_over(broken):
    builder = UpdateBuilder()
    builder.add_features([broken, to_bytes(features_record("car-1", 2))])
    builder.add_scores([broken, to_bytes(scores_record("car-1", 2))])
    assert builder.unreadable == 2
    assert set(builder.updates["car-1"].events) == {"e2", "s2"}


def test_of_a_batch_only_what_may_be_newest_is_sent():
    builder = UpdateBuilder()
    builder.add_features(to_bytes(features_record("car-1", offset)) for offset in range(3 * EVENTS_KEPT))
    builder.add_scores(to_bytes(scores_record("car-1", offset)) for offset in range(EVENTS_KEPT))
    sent = builder.updates["car-1"].newest_events()
    assert sorted(sent) == sorted(f"e{offset}" for offset in range(2 * EVENTS_KEPT, 3 * EVENTS_KEPT))
    assert builder.updates["car-1"].features[0] == 3 * EVENTS_KEPT - 1
    assert json.loads(builder.updates["car-1"].scores[1])["event_id"] == f"e{EVENTS_KEPT - 1}"
