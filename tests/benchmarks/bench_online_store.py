"""What the online store costs per event, on a real Redis: CPU time of the writer and of the server, and a rebuild."""

import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from profile_material import features_record, scores_record, to_bytes
from redis_server import redis_server

from patternalarm.online_store.batch import UpdateBuilder
from patternalarm.online_store.store import ProfileStore
from patternalarm.redis_client import redis_client

EVENTS = 50_000
VALUES = [round(number * 1.37, 4) for number in range(40)]


@pytest.mark.parametrize(("batch", "actors"), [(20, 2_500), (500, 2_500), (2_000, 2_500), (2_000, 250)])
def test_events_merged(tmp_path: Path, batch: int, actors: int) -> None:
    """Features and scores of each event; ``batch`` events at a time, over so many actors."""
    places = [(f"actor-{number * 7919 % actors}", number) for number in range(EVENTS)]
    features = [to_bytes(features_record(*place, values=VALUES)) for place in places]
    scores = [to_bytes(scores_record(*place)) for place in places]
    with redis_server(tmp_path, memory_mib=256) as server, closing(redis_client(server.settings)) as client:
        store = ProfileStore(client, "toll", "bench")
        store.begin()
        process = psutil.Process(int(client.info("server")["process_id"]))
        served, began, elapsed = sum(process.cpu_times()[:2]), time.process_time(), time.perf_counter()
        for begin in range(0, EVENTS, batch):
            builder = UpdateBuilder()
            builder.add_features(features[begin : begin + batch])
            builder.add_scores(scores[begin : begin + batch])
            assert store.write(builder.updates, {("features.toll", 0): begin})
        wrote, elapsed = time.process_time() - began, time.perf_counter() - elapsed
        served = sum(process.cpu_times()[:2]) - served
        kept = int(client.info("memory")["used_memory"]) / actors / 1024
    sys.stdout.write(
        f"\n{batch} events a batch, {actors} actors: {wrote / EVENTS * 1e6:.1f} us of the writer and "
        f"{served / EVENTS * 1e6:.1f} us of Redis per event, {EVENTS / elapsed:,.0f} events/s, {kept:.1f} KiB a profile\n"
    )
