"""Profiles as the API reads them, over asyncio."""

import asyncio

from profile_material import features_record, scores_record, to_bytes

from patternalarm.online_store.batch import UpdateBuilder
from patternalarm.online_store.profiles import ProfileReader
from patternalarm.online_store.store import ProfileStore
from patternalarm.redis_client import async_redis_client


def test_a_profile_is_read_in_a_round_trip_and_an_unknown_actor_has_none(stage):
    builder = UpdateBuilder()
    builder.add_features([to_bytes(features_record("car:ü", 1)), to_bytes(features_record("car:ü", 2))])
    builder.add_scores([to_bytes(scores_record("car:ü", 1))])
    store = ProfileStore(stage.client, "toll", stage.scope)
    store.begin()
    store.write(builder.updates, {})

    async def read():
        async with async_redis_client(stage.settings) as client:
            reader = ProfileReader(client)
            return await asyncio.gather(*(reader.read(stage.scope, "toll", name) for name in ("car:ü", "car-2")))

    known, unknown = asyncio.run(read())
    assert unknown is None
    assert known.features.values == (2.0, None, None)
    assert [(event.event_id, event.score) for event in known.events] == [("e2", None), ("e1", 0.37)]
    assert known.scores.event_id == "e1"
