"""The alert writer's own database, topics and process, on the PostgreSQL and Kafka of the settings."""

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from psycopg.rows import dict_row

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from alert_material import toll_pack, write_model, write_pack
from migrated_database import migrated_database, superuser_dsn
from topics import make_topics

from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.contracts.tables import ALERT, ALERT_EVENT, CONSUMER_OFFSET, SCORER_ROLE
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topic_name
from patternalarm.migrations.roles import PASSWORD_SETTINGS
from patternalarm.settings import Settings

PATIENCE_SECONDS = 60
KINDS = (TopicKind.EVIDENCE, TopicKind.PATTERN_HITS)


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """Settings with migrated databases of this session's own."""
    with migrated_database("alerts") as own:
        yield own


@pytest.fixture
def superuser(settings: Settings) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """The superuser in this session's database, every statement a transaction, rows as dictionaries."""
    with psycopg.connect(
        superuser_dsn(), dbname=settings.database, autocommit=True, row_factory=dict_row
    ) as connection:
        yield connection


@pytest.fixture
def scorer(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """The alert writer's own role."""
    with psycopg.connect(settings.dsn(SCORER_ROLE, settings.scorer_password), autocommit=True) as connection:
        yield connection


@pytest.fixture
def pack(tmp_path: Path) -> DomainPack:
    """Toll roads."""
    return toll_pack(tmp_path)


@dataclass
class Stage:
    """A scope with its topics and a model, and the alert writers that were started in it."""

    settings: Settings
    scope: str
    pack: DomainPack
    pack_folder: Path
    model: Path
    directory: Path
    connection: psycopg.Connection[dict[str, Any]]
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @staticmethod
    def until(condition: Callable[[], Any], what: str) -> Any:
        """The first true answer of ``condition``."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if answer := condition():
                return answer
            time.sleep(0.02)
        raise AssertionError(f"waited {PATIENCE_SECONDS} s in vain: {what}")

    def topic(self, kind: TopicKind) -> str:
        """Name of this scope's topic."""
        return topic_name(kind, self.pack.name, self.scope)

    def make_topics(self) -> None:
        """Make the writer's two topics."""
        admin = AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap})
        made = [NewTopic(self.topic(kind), TOPIC_SPECS[kind].partitions, 1) for kind in KINDS]
        make_topics(admin, made)

    def drop_topics(self) -> None:
        """Drop them."""
        admin = AdminClient({"bootstrap.servers": self.settings.kafka_bootstrap})
        for dropped in admin.delete_topics([self.topic(kind) for kind in KINDS]).values():
            dropped.result(30)

    def publish(self, kind: TopicKind, values: Iterable[dict[str, Any] | bytes]) -> None:
        """Write records to one topic, and wait until Kafka has them."""
        producer = Producer({"bootstrap.servers": self.settings.kafka_bootstrap})
        for value in values:
            raw = value if isinstance(value, bytes) else json.dumps(value).encode()
            producer.produce(self.topic(kind), raw)
        assert producer.flush(30) == 0

    @property
    def client(self) -> str:
        """Name of this scope's writers among PostgreSQL's connections."""
        return f"alert-writer.{self.pack.name}.{self.scope}"

    def start(self, **changes: Any) -> subprocess.Popen[bytes]:
        """Start a writer; ``changes`` replaces arguments or, in capitals, the environment."""
        arguments = {
            "pack": self.pack_folder,
            "scope": self.scope,
            "model": self.model,
            "ready-file": self.directory / f"ready-{len(self.processes)}",
            **{name.replace("_", "-"): value for name, value in changes.items() if name.islower()},
        }
        secrets = {f"PATTERNALARM_{name.upper()}": getattr(self.settings, name) for name in PASSWORD_SETTINGS.values()}
        environment = {
            **os.environ,
            **secrets,
            "PATTERNALARM_DATABASE": self.settings.database,
            "PATTERNALARM_KAFKA_PORT": str(self.settings.kafka_port),
            "PATTERNALARM_POSTGRES_PORT": str(self.settings.postgres_port),
            **{name: str(value) for name, value in changes.items() if name.isupper()},
        }
        command = [sys.executable, "-m", "patternalarm.alerts.writer"]
        for name, value in arguments.items():
            command += [f"--{name}", str(value)]
        process = subprocess.Popen(command, env=environment, stderr=self.log(len(self.processes)).open("wb"))
        self.processes.append(process)
        return process

    def log(self, number: int) -> Path:
        """What the writer started as number ``number`` logged."""
        return self.directory / f"writer-{number}.log"

    def wait_ready(self) -> None:
        """Wait until the writer started last is at work."""
        number = len(self.processes) - 1
        ready = self.directory / f"ready-{number}"

        def is_ready() -> bool:
            assert self.processes[number].poll() is None, self.log(number).read_text()
            return ready.exists()

        self.until(is_ready, "the writer is at work")

    def failure(self, process: subprocess.Popen[bytes]) -> tuple[int, str]:
        """Exit code and log of a writer that ends by itself."""
        code = process.wait(PATIENCE_SECONDS)
        return code, self.log(self.processes.index(process)).read_text()

    def offset(self, kind: TopicKind) -> int | None:
        """Stored offset of the topic's first partition."""
        row = self.connection.execute(
            f"SELECT next_offset FROM {CONSUMER_OFFSET} WHERE topic = %s AND partition = 0", (self.topic(kind),)
        ).fetchone()
        return row["next_offset"] if row else None

    def wait_committed(self, kind: TopicKind, offset: int) -> None:
        """Wait until the offset of a topic is stored."""
        self.until(lambda: (self.offset(kind) or 0) >= offset, f"{kind} is committed up to {offset}")

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Alerts of this scope, by id."""
        rows = self.connection.execute(f"SELECT * FROM {ALERT} WHERE scope = %s", (self.scope,)).fetchall()
        return {row["alert_id"]: row for row in rows}

    def alert_events(self) -> list[tuple[str, str, str, str]]:
        """(alert, actor, event, source) of this scope, sorted."""
        rows = self.connection.execute(
            f"SELECT alert_id, actor_id, event_id, source FROM {ALERT_EVENT} JOIN {ALERT} USING (alert_id) WHERE scope = %s",
            (self.scope,),
        ).fetchall()
        return sorted((row["alert_id"], row["actor_id"], row["event_id"], row["source"]) for row in rows)


@pytest.fixture
def stage(
    settings: Settings, superuser: psycopg.Connection[dict[str, Any]], pack: DomainPack, tmp_path: Path
) -> Iterator[Stage]:
    """A scope of this test's own."""
    scope = f"test-{uuid.uuid4().hex[:10]}"
    own = Stage(settings, scope, pack, write_pack(tmp_path), write_model(tmp_path / "model", pack), tmp_path, superuser)
    own.make_topics()
    yield own
    for process in own.processes:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_SECONDS)
    own.drop_topics()
