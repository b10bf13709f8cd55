"""The online store's own topics, Redis database and process, on the Kafka and Redis of the settings."""

import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from alert_material import write_pack
from profile_material import Record, naive_profile, to_bytes
from topics import make_topics
from waiting import wait_for

from patternalarm.contracts.online_store import profile_key, scope_key
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topic_name
from patternalarm.online_store.profiles import profile_of
from patternalarm.redis_client import redis_client
from patternalarm.settings import Settings, get_settings

PATIENCE_SECONDS = 60
KINDS = (TopicKind.FEATURES, TopicKind.SCORES)
DOMAIN = "toll"


@dataclass
class Stage:
    """A scope with its topics, what was published in it, and the processes that were started in it."""

    settings: Settings
    client: redis.Redis
    pack_folder: Path
    directory: Path
    scope: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:10]}")
    published: Mapping[TopicKind, list[Record]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def topic(self, kind: TopicKind) -> str:
        """Name of this scope's topic."""
        return topic_name(kind, DOMAIN, self.scope)

    def make_topics(self) -> None:
        """Make the two topics that are read."""
        made = [NewTopic(self.topic(kind), TOPIC_SPECS[kind].partitions, 1) for kind in KINDS]
        make_topics(self._admin, made)

    def drop_topics(self) -> None:
        """Drop them."""
        admin = self._admin
        for dropped in admin.delete_topics([self.topic(kind) for kind in KINDS]).values():
            dropped.result(30)

    @property
    def _admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap})

    def publish(self, kind: TopicKind, records: Iterable[Record]) -> None:
        """Write records to one topic, keyed by actor, and wait until Kafka has them."""
        producer = Producer({"bootstrap.servers": self.settings.kafka_bootstrap})
        for record in records:
            self.published[kind].append(record)
            producer.produce(self.topic(kind), to_bytes(record), record["actor_id"])
        assert producer.flush(30) == 0

    def start(self, **changes: Any) -> subprocess.Popen[bytes]:
        """Start a writer; ``changes`` replaces arguments or, in capitals, the environment."""
        number = len(self.processes)
        arguments = {
            "pack": self.pack_folder,
            "scope": self.scope,
            "ready-file": self.directory / f"ready-{number}",
            **{name.replace("_", "-"): value for name, value in changes.items() if name.islower()},
        }
        environment = {
            **os.environ,
            "PATTERNALARM_REDIS_PORT": str(self.settings.redis_port),
            "PATTERNALARM_REDIS_PASSWORD": self.settings.redis_password,
            **{name: str(value) for name, value in changes.items() if name.isupper()},
        }
        command = [sys.executable, "-m", "patternalarm.online_store.writer"]
        command += [str(part) for name, value in arguments.items() for part in (f"--{name}", value)]
        process = subprocess.Popen(command, env=environment, stderr=self.log(number).open("wb"))
        self.processes.append(process)
        return process

    def log(self, number: int) -> Path:
        """What the process started as this number logged."""
        return self.directory / f"writer-{number}.log"

    @staticmethod
    def until(condition: Callable[[], Any]) -> None:
        """Wait until ``condition`` holds."""
        wait_for(condition, PATIENCE_SECONDS)

    def wait_ready(self) -> None:
        """Wait until the process started last is at work."""
        number = len(self.processes) - 1

        def is_ready() -> bool:
            assert self.processes[number].poll() is None, self.log(number).read_text()
            return (self.directory / f"ready-{number}").exists()

        self.until(is_ready)

    def failure(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        """Exit code and log of a process that ends by itself."""
        code = process.wait(PATIENCE_SECONDS)
        return code, self.log(self.processes.index(process)).read_text()

    def wait_whole(self) -> None:
        """Wait until Redis says that all that was published is in profiles."""

        def is_read() -> bool:
            known = self.client.hgetall(scope_key(DOMAIN, self.scope))
            read = {kind: sum(int(at) for name, at in known.items() if self._is_of(name, kind)) for kind in KINDS}
            return all(read[kind] >= len(self.published[kind]) for kind in KINDS)

        self.until(is_read)

    def _is_of(self, name: bytes, kind: TopicKind) -> bool:
        return name.startswith(f"{self.topic(kind)}:".encode())

    def wrong_profiles(self) -> list[str]:
        """Actors whose profile is not that of the naive twin."""
        features: dict[str, list[Record]] = {}
        scores: dict[str, list[Record]] = {}
        for record in self.published[TopicKind.FEATURES]:
            features.setdefault(record["actor_id"], []).append(record)
        for record in self.published[TopicKind.SCORES]:
            scores.setdefault(record["actor_id"], []).append(record)
        wrong = []
        for actor_id, of_actor in features.items():
            twin = naive_profile(self.scope, actor_id, of_actor, scores.get(actor_id, []))
            fields = self.client.hgetall(profile_key(DOMAIN, self.scope, actor_id))
            seen = profile_of(self.scope, DOMAIN, actor_id, fields).model_dump() if fields else None
            if seen != {**twin, "events": tuple(twin["events"])}:
                wrong.append(actor_id)
        return wrong

    def keys_of_scope(self) -> list[bytes]:
        """Keys of this scope."""
        return list(self.client.scan_iter(f"*:{self.scope}*", count=10_000))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A scope of this test's own on the platform's Redis."""
    with closing(redis_client(get_settings())) as client:
        own = Stage(get_settings(), client, write_pack(tmp_path), tmp_path)
        own.make_topics()
        yield own
        for process in own.processes:
            if process.poll() is None:
                process.kill()
            process.wait(PATIENCE_SECONDS)
        own.drop_topics()
        if keys := own.keys_of_scope():
            client.unlink(*keys)


@pytest.fixture
def publish_history(stage: Stage) -> Callable[[int, int], None]:
    """Publishes events of so many actors, each with features, three of four with a score."""
    from profile_material import features_record, scores_record

    def publish(begin: int, events: int, actors: int = 1_000) -> None:
        places = [(f"car-{offset % actors}", offset) for offset in range(begin, begin + events)]
        stage.publish(TopicKind.FEATURES, [features_record(*place) for place in places])
        stage.publish(TopicKind.SCORES, [scores_record(*place) for place in places if place[1] % 4])

    return publish
