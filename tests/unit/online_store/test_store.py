"""The store on a real Redis, held against its naive twin: whatever order, batches and copies records come in."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profile_material import features_record, naive_profile, scores_record, to_bytes

from patternalarm.contracts.online_store import (
    EVENTS_KEPT,
    SCOPE_OUTLIVES_SECONDS,
    profile_key,
    scope_key,
    seconds_kept,
)
from patternalarm.online_store import batch, profiles, store
from patternalarm.online_store.batch import UpdateBuilder
from patternalarm.online_store.profiles import profile_of
from patternalarm.online_store.store import ProfileStore

SCOPE = "load-test-toll-1"
ACTORS = ("car-1", "car-2", "car:3")


def updates_of(features=(), scores=()):
    builder = UpdateBuilder()
    builder.add_features(map(to_bytes, features))
    builder.add_scores(map(to_bytes, scores))
    assert builder.unreadable == 0
    return builder.updates


def begun(client):
    made = ProfileStore(client, "toll", SCOPE)
    made.begin()
    return made


def seen(client, actor_id):
    fields = client.hgetall(profile_key("toll", SCOPE, actor_id))
    return profile_of(SCOPE, "toll", actor_id, fields).model_dump() if fields else None


def expected(actor_id, features, scores, kept=EVENTS_KEPT):
    profile = naive_profile(SCOPE, actor_id, features, scores, kept)
    return {**profile, "events": tuple(profile["events"])}


@st.composite
def histories(draw):
    """Distinct records of some actors, and deliveries of them: each at least once, shuffled, cut into batches."""
    features, scores = [], []
    for offset in range(draw(st.integers(1, 40))):
        actor_id = draw(st.sampled_from(ACTORS))
        features.append(features_record(actor_id, offset))
        # History is not scored; a swap of the model scores some events twice.
        scores += [
            scores_record(actor_id, offset, model_version=model, score=draw(st.sampled_from([0.1, 0.9])))
            for model in draw(st.sampled_from([(), ("m-1",), ("m-2",), ("m-1", "m-2")]))
        ]
    records = [(record, False) for record in features] + [(record, True) for record in scores]
    delivered = draw(st.permutations(records + draw(st.lists(st.sampled_from(records), max_size=20))))
    cuts = sorted(draw(st.lists(st.integers(0, len(delivered)), max_size=6)))
    batches = [delivered[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(delivered)], strict=True)]
    return features, scores, batches


@pytest.mark.parametrize("kept", [4, EVENTS_KEPT])
def test_profiles_are_those_of_the_naive_twin_whatever_is_delivered_when(client, monkeypatch, kept):
    for module in (batch, store, profiles):
        monkeypatch.setattr(module, "EVENTS_KEPT", kept)

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(histories())
    def holds(history):
        features, scores, batches = history
        client.flushall()
        made = begun(client)
        for delivered in batches:
            of_features = [record for record, is_score in delivered if not is_score]
            assert made.write(updates_of(of_features, [record for record, is_score in delivered if is_score]), {})
        for actor_id in ACTORS:
            known = any(one["actor_id"] == actor_id for one in features)
            assert seen(client, actor_id) == (expected(actor_id, features, scores, kept) if known else None)

    holds()


def test_an_actor_without_end_keeps_its_newest_events_and_no_more(client):
    made = begun(client)
    features = [features_record("car-1", offset) for offset in range(1_000)]
    scores = [scores_record("car-1", offset) for offset in range(1_000)]
    for begin in range(0, 1_000, 30):
        made.write(updates_of(features[begin : begin + 30], scores[begin : begin + 30]), {})
        # A copy from long ago changes nothing.
        made.write(updates_of(features[:5], scores[:5]), {})
    assert seen(client, "car-1") == expected("car-1", features, scores)
    assert client.hlen(profile_key("toll", SCOPE, "car-1")) <= 4 + 2.5 * EVENTS_KEPT


def test_offsets_stand_beside_the_profiles_and_are_gone_with_them(client):
    made = begun(client)
    offsets = {("features.toll", 0): 7, ("features.toll", 1): 3, ("scores.toll", 0): 1}
    assert made.write(updates_of([features_record("car-1", 1)]), offsets)
    assert made.write({}, {("features.toll", 1): 4})
    assert ProfileStore(client, "toll", SCOPE).begin() == {**offsets, ("features.toll", 1): 4}
    client.flushall()
    assert not made.write(updates_of([features_record("car-1", 2)]), {("features.toll", 0): 8})
    assert not made.write({}, {})
    assert made.begin() == {}
    assert made.write({}, {})


def test_a_loss_in_the_middle_of_a_batch_is_noticed(client):
    made = begun(client)
    made.write({}, {("features.toll", 0): 7})
    client.delete(scope_key("toll", SCOPE))
    assert not made.write(updates_of([features_record("car-1", 2)]), {("features.toll", 0): 8})
    assert client.hgetall(scope_key("toll", SCOPE)) == {}


def test_a_store_that_was_built_anew_by_another_goes_on_where_that_one_is(client):
    first, second = begun(client), begun(client)
    client.flushall()
    assert not first.write({}, {("features.toll", 0): 9})
    assert first.begin() == {}
    assert first.write({}, {("features.toll", 0): 2})
    assert not second.write({}, {("features.toll", 0): 9})
    assert second.begin() == {("features.toll", 0): 2}


def test_scripts_that_redis_forgot_are_loaded_again(client):
    made = begun(client)
    client.script_flush()
    assert made.write(updates_of([features_record("car-1", 2)]), {})
    assert seen(client, "car-1")["features"]["source_offset"] == 2


def test_all_of_a_scope_expires(client):
    made = begun(client)
    made.write(updates_of([features_record("car-1", 2)]), {})
    assert 0 < client.ttl(profile_key("toll", SCOPE, "car-1")) <= seconds_kept(SCOPE) == 86_400
    # What all of them depend on is the last to go.
    assert 86_400 < client.ttl(scope_key("toll", SCOPE)) <= 86_400 + SCOPE_OUTLIVES_SECONDS
    assert len(client.keys()) == 2
    assert seconds_kept("live") == 3 * 86_400


def test_scopes_and_domains_do_not_meet(client):
    begun(client).write(updates_of([features_record("car-1", 2)]), {})
    assert client.hgetall(profile_key("toll", "live", "car-1")) == {}
    assert client.hgetall(profile_key("gaming", SCOPE, "car-1")) == {}
