"""The online store as a process, between real Kafka and real Redis."""

import signal
from contextlib import closing
from dataclasses import replace

from profile_material import features_record
from redis_server import redis_server

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.online_store import SCOPE_OUTLIVES_SECONDS, profile_key, scope_key, seconds_kept
from patternalarm.contracts.topics import TopicKind
from patternalarm.redis_client import redis_client

FEATURES, SCORES = TopicKind.FEATURES, TopicKind.SCORES


def test_a_thousand_profiles_are_whole_again_after_redis_lost_them_and_after_a_kill(stage, publish_history):
    writer = stage.start()
    stage.wait_ready()
    publish_history(0, 6_000)
    stage.wait_whole()
    assert stage.wrong_profiles() == []

    # As FLUSHALL does, to this scope alone: the platform's Redis may hold others'.
    stage.client.unlink(*stage.keys_of_scope())
    stage.until(lambda: stage.client.exists(scope_key("toll", stage.scope)))
    stage.wait_whole()
    assert stage.wrong_profiles() == []
    assert stage.log(0).read_text().count("building them from the beginning") == 2

    writer.kill()
    writer.wait()
    publish_history(6_000, 1_000)
    # Redelivered copies, from long ago and of just now, come behind what is newer.
    for kind in (FEATURES, SCORES):
        stage.publish(kind, [*stage.published[kind][:500], *stage.published[kind][-500:]])
    again = stage.start()
    stage.wait_ready()
    stage.wait_whole()
    assert stage.wrong_profiles() == []

    publish_history(7_000, 500)
    again.send_signal(signal.SIGTERM)
    code, log = stage.failure(again)
    assert (code, log.count("stopped as asked")) == (0, 1), log
    assert "building them" not in log and "0 records behind" in log
    assert stage.wrong_profiles() == []
    seconds = seconds_kept(stage.scope)
    scope_hash = scope_key("toll", stage.scope).encode()
    for key in stage.keys_of_scope():
        most = seconds + (SCOPE_OUTLIVES_SECONDS if key == scope_hash else 0)
        assert most - 120 < stage.client.ttl(key) <= most


def test_a_redis_that_is_killed_or_flushed_is_waited_for_and_filled_anew(stage, publish_history, tmp_path):
    with redis_server(tmp_path / "redis") as server, closing(redis_client(server.settings)) as client:
        elsewhere = replace(stage, settings=server.settings, client=client)
        writer = elsewhere.start()
        elsewhere.wait_ready()
        publish_history(0, 400, 50)
        elsewhere.wait_whole()
        server.end(signal.SIGKILL)
        publish_history(400, 200, 50)
        stage.until(lambda: "trying again for 600 s" in stage.log(0).read_text())
        server.start()
        stage.until(lambda: client.exists(scope_key("toll", stage.scope)))
        elsewhere.wait_whole()
        assert elsewhere.wrong_profiles() == []
        client.flushall()
        stage.until(lambda: client.exists(scope_key("toll", stage.scope)))
        elsewhere.wait_whole()
        assert elsewhere.wrong_profiles() == []
        assert writer.poll() is None
        assert "Traceback" not in stage.log(0).read_text()


def test_a_full_redis_gives_up_profiles_and_goes_on(stage, tmp_path):
    with redis_server(tmp_path / "redis", memory_mib=16) as server, closing(redis_client(server.settings)) as client:
        elsewhere = replace(stage, settings=server.settings, client=client)
        client.set("of somebody else", "without a TTL")
        elsewhere.start()
        elsewhere.wait_ready()
        values = [0.123456789] * 200
        stage.publish(FEATURES, [features_record(f"car-{offset}", offset, values=values) for offset in range(8_000)])
        elsewhere.wait_whole()
        stage.publish(FEATURES, [features_record("the newest", 9_000)])
        elsewhere.wait_whole()
        memory = client.info("memory")
        assert client.info("stats")["evicted_keys"] > 0
        assert memory["used_memory"] <= memory["maxmemory"] == 16 * 2**20
        assert client.exists(profile_key("toll", stage.scope, "the newest"), "of somebody else") == 2
        profiles = list(client.scan_iter("profile:*", count=10_000))
        assert 2_000 < len(profiles) < 8_001
        # Given up whole, never in part, one or another just now; and what is given up is not built again and again.
        assert {client.hlen(key) for key in profiles} - {0} == {3}
        assert stage.log(0).read_text().count("building them from the beginning") == 1


def test_what_kafka_no_longer_has_is_passed_over_with_a_word(stage, publish_history):
    publish_history(0, 100, 10)
    place = f"{stage.topic(FEATURES)}:0"
    stage.client.hset(scope_key("toll", stage.scope), mapping={"generation": "g", place: 1_000_000})
    stage.start()
    stage.wait_ready()
    stage.until(lambda: int(stage.client.hget(scope_key("toll", stage.scope), place)) < 1_000_000)
    stage.wait_whole()
    assert stage.wrong_profiles() == []
    assert "not 1000000" in stage.log(0).read_text()


def test_without_redis_it_says_so_and_asks_to_be_started_again(stage):
    code, log = stage.failure(stage.start(PATTERNALARM_REDIS_PORT=1, PATTERNALARM_PATIENCE_SECONDS=1))
    assert code == ExitCode.START_AGAIN
    assert "trying again for 1 s" in log
    assert "Redis at 127.0.0.1:1 cannot be used" in log
    assert "Traceback" not in log


def test_a_stop_does_not_wait_for_a_redis_that_is_away(stage):
    writer = stage.start(PATTERNALARM_REDIS_PORT=1)
    stage.until(lambda: "trying again for 600 s" in stage.log(0).read_text())
    writer.send_signal(signal.SIGTERM)
    code, log = stage.failure(writer)
    assert (code, log.count("stopped as asked"), "Traceback" in log) == (0, 1, False), log


def test_what_will_not_pass_ends_it_at_once(stage):
    for changes, named in (
        ({"PATTERNALARM_REDIS_PASSWORD": "wrong"}, "password"),
        ({"scope": f"{stage.scope}-x"}, f"topic {stage.topic(FEATURES)}-x does not exist"),
    ):
        code, log = stage.failure(stage.start(**changes))
        assert (code, named in log, "Traceback" in log) == (ExitCode.FAILED, True, False), log
        assert "trying again" not in log
