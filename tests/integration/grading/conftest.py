"""A run on real Kafka and PostgreSQL, simulated up to its grading, with every engine's record open to tampering.

The engines are those of the settings (``PATTERNALARM_KAFKA_PORT``, ``PATTERNALARM_POSTGRES_PORT``). Each test session
has a database of its own, made by the superuser of ``PATTERNALARM_TEST_SUPERUSER_DSN``, and each run its own topics.
"""

import json
import os
import sys
import uuid
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from psycopg import sql
from topics import make_topics

from patternalarm.contracts import tables
from patternalarm.contracts.alerts import LEGITIMATE, SUSPICIOUS_ACTIVITY, alert_id_of, episode_of
from patternalarm.contracts.runs import PLANNED_ROWS, RunKind
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topics_of
from patternalarm.migrations.roles import PASSWORD_SETTINGS, ensure_roles
from patternalarm.migrations.upgrade import upgrade
from patternalarm.models.metadata import METADATA_FILE, ModelMetadata
from patternalarm.models.registry import ModelVersion, register
from patternalarm.runs.registry import Run, open_run, set_measured_window
from patternalarm.settings import Settings, get_settings

EPISODE_MS = 1_800_000
HISTORY_SECONDS = 3_600


@dataclass
class SimulatedRun:
    """A load test of ``events`` measured events, 10 a second, each fourth preceded by one of history.

    Events 0 to 2 of every ten are a campaign: fraud and look-alike in turn. ``publish_events`` writes the events topic;
    then ``features``, ``scores``, ``dead_letters``, ``evidence`` and ``hits`` hold what the engines would write, to be
    tampered with, and ``publish_findings`` writes them. ``write_run``, ``write_truth``, ``write_alerts`` fill tables.
    """

    settings: Settings
    run_id: str
    events: int = 40
    domain: str = "payments"
    kind: RunKind = RunKind.LOAD_TEST
    level: str | None = "mini"
    start: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=5))
    features: list[dict] = field(default_factory=list)
    scores: list[dict] = field(default_factory=list)
    dead_letters: list[dict] = field(default_factory=list)
    evidence: list[dict] = field(default_factory=list)
    hits: list[dict] = field(default_factory=list)
    params: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.topics = topics_of(self.domain, self.run_id)
        self.start_ms = round(self.start.timestamp() * 1_000)
        if self.kind is RunKind.REPLAY:
            self.params = {**self.params, PLANNED_ROWS: self.events // 4 + self.events}
        history = [(f"h-{i}", self.start_ms - HISTORY_SECONDS * 1_000 + i) for i in range(self.events // 4)]
        measured = [(f"e-{i}", self.start_ms + i * 100) for i in range(self.events)]
        self.sent = [self._event(number, *row) for number, row in enumerate((*history, *measured))]
        self.crc_sum = sum(event["crc"] for event in self.sent)

    def _event(self, number: int, event_id: str, event_time_ms: int) -> dict:
        at = datetime.fromtimestamp(event_time_ms / 1_000, UTC).isoformat(timespec="milliseconds")
        actor = f"a-{number % 7}"
        if event_id.startswith("e-") and self.campaign_of(int(event_id[2:])):
            actor = f"actor-{int(event_id[2:]) // 10 * 10}"
        raw = json.dumps({"event_id": event_id, "event_time": at, "actor_id": actor}).encode()
        return {
            "event_id": event_id,
            "event_time_ms": event_time_ms,
            "actor_id": actor,
            "raw": raw,
            "crc": zlib.crc32(raw),
        }

    def publish_events(self, tamper: Callable[[list[bytes]], None] | None = None) -> None:
        """Write the events topic, after ``tamper`` has changed the list of raw records, and derive what follows."""
        raw = [event["raw"] for event in self.sent]
        if tamper:
            tamper(raw)
        for position in self._produce(TopicKind.EVENTS, raw):
            fields = json.loads(position["value"])
            event_time_ms = round(datetime.fromisoformat(fields["event_time"]).timestamp() * 1_000)
            source = {
                "event_id": fields["event_id"],
                "event_time_ms": event_time_ms,
                "actor_id": fields["actor_id"],
                "source_topic": self.topics[TopicKind.EVENTS],
                "source_partition": position["partition"],
                "source_offset": position["offset"],
                "source_crc": zlib.crc32(position["value"]),
                "sent_at_ms": event_time_ms + 3,
                "feature_set": "fs",
            }
            self.features.append({**source, "values": [1.0, "NaN", 2.5], "amount": 12.5})
            if event_time_ms >= self.start_ms:
                number = int(fields["event_id"].split("-")[1])
                probability = 0.9 if self.campaign_of(number) and not self.is_lookalike(number) else 0.05
                self.scores.append(
                    {
                        **source,
                        "score": probability,
                        "scores": [1 - probability, probability, 0.0],
                        "model_version": "m-1",
                    }
                )
                if probability > 0.5:
                    self.evidence.append({**source, "fraud_type": "card_testing"})

    def actor_of(self, event_id: str) -> str:
        """Who acted in an event that was sent."""
        return next(event["actor_id"] for event in self.sent if event["event_id"] == event_id)

    @staticmethod
    def campaign_of(number: int) -> str | None:
        """Campaign of a measured event."""
        return f"c-{number // 10}" if number % 10 < 3 else None

    @staticmethod
    def is_lookalike(number: int) -> bool:
        """Whether the event's campaign only looks like fraud."""
        return number // 10 % 2 == 1

    def publish_findings(self) -> None:
        """Write every topic that the engines write."""
        for kind, records in (
            (TopicKind.FEATURES, self.features),
            (TopicKind.SCORES, self.scores),
            (TopicKind.DEAD_LETTERS, self.dead_letters),
            (TopicKind.EVIDENCE, self.evidence),
            (TopicKind.PATTERN_HITS, self.hits),
        ):
            self._produce(kind, [json.dumps(record).encode() for record in records])

    def publish_raw(self, kind: TopicKind, records: Iterable[bytes]) -> None:
        """Write records as they are."""
        self._produce(kind, records)

    def _produce(self, kind: TopicKind, values: Iterable[bytes]) -> list[dict]:
        partitions = TOPIC_SPECS[kind].partitions
        producer = Producer({"bootstrap.servers": self.settings.kafka_bootstrap, "linger.ms": 5})
        positions: list[dict] = []

        def delivered(error: object, message: object) -> None:
            assert error is None, error
            positions.append({"partition": message.partition(), "offset": message.offset(), "value": message.value()})

        for number, value in enumerate(values):
            producer.produce(self.topics[kind], value, partition=number % partitions, on_delivery=delivered)
            producer.poll(0)
        assert producer.flush(30) == 0
        return positions

    def write_run(self, **more: object) -> None:
        """The run's row and its generator's books."""
        minutes = self.events / 600
        until = self.start + timedelta(minutes=minutes)
        history = sum(event["event_time_ms"] < self.start_ms for event in self.sent)
        with psycopg.connect(self.settings.dsn(tables.PLATFORM_ROLE, self.settings.platform_password)) as connection:
            open_run(
                connection,
                Run(
                    run_id=self.run_id,
                    kind=self.kind,
                    domain=self.domain,
                    dag_id="run_load_test",
                    airflow_run_id="manual__1",
                    pack_version="1",
                    feature_set="fs",
                    pattern_set="ps",
                    requested_at=self.start - timedelta(seconds=30),
                    level=self.level,
                    seed=7,
                    minutes=minutes,
                    dag_version="3",
                    model_version="m-1",
                    **{**more, "params": {**more.get("params", {"events_per_minute": 600}), **self.params}},
                ),
            )
            register(connection, ModelVersion.of(self.model, str(self.write_model())))
            # As in a load test: the window opens with the run, and generators start early and wait for the first event.
            set_measured_window(connection, self.run_id, self.start - timedelta(seconds=60), until)
            insert = (
                f"INSERT INTO {tables.SHARD_LEDGER} (run_id, phase, shard, generated, acknowledged, crc_sum,"
                " started_at, ended_at, late_p99_ms) VALUES (%s, %s, 0, %s, %s, %s, %s, %s, %s)"
            )
            measured_sum = sum(event["crc"] for event in self.sent[history:])
            past = self.start - timedelta(seconds=20)
            connection.execute(
                insert,
                (self.run_id, "history", history, history, self.crc_sum - measured_sum, past, past, None),
            )
            connection.execute(
                insert,
                (self.run_id, "measured", self.events, self.events, measured_sum, past, until, 4.0),
            )
            connection.execute(
                f"INSERT INTO {tables.RUN_VELOCITY} (run_id, domain, bucket_start, events)"
                " SELECT %s, %s, %s::timestamptz + n * interval '10 s', 100 FROM generate_series(0, %s) n",
                (self.run_id, self.domain, self.start, max(0, (self.events - 1) // 100)),
            )

    @property
    def model(self) -> ModelMetadata:
        """The model that scored the run."""
        return ModelMetadata(
            domain=self.domain,
            version="m-1",
            scope="live",
            feature_set="fs",
            pack_version="1",
            feature_names=("f-1", "f-2", "f-3"),
            classes=(LEGITIMATE, "card_testing", "account_takeover"),
            thresholds={"card_testing": 0.5, "account_takeover": 0.02, SUSPICIOUS_ACTIVITY: 0.95},
            metrics={},
            trained_at=datetime(2026, 1, 1, tzinfo=UTC),
            files={},
        )

    def write_model(self) -> Path:
        """As much of the model's directory as the grading reads."""
        directory = self.settings.models_dir / self.domain / self.model.version
        directory.mkdir(parents=True, exist_ok=True)
        (directory / METADATA_FILE).write_text(self.model.model_dump_json())
        return directory

    def write_truth(self) -> None:
        """Every campaign: card testing, or what looks like it."""
        with psycopg.connect(self.settings.dsn(tables.PLATFORM_ROLE, self.settings.platform_password)) as connection:
            for number in range(self.events):
                campaign = self.campaign_of(number)
                if campaign is None:
                    continue
                at = self.start + timedelta(milliseconds=number * 100)
                if number % 10 == 0:
                    connection.execute(
                        f"INSERT INTO {tables.GROUND_TRUTH_CAMPAIGN} (scope, campaign_id, kind, fraud_type, events,"
                        " first_event_time, last_event_time, amount)"
                        " VALUES (%s, %s, %s, 'card_testing', 3, %s, %s, 75)",
                        (
                            self.run_id,
                            campaign,
                            "lookalike" if self.is_lookalike(number) else "fraud",
                            at,
                            at + timedelta(milliseconds=200),
                        ),
                    )
                connection.execute(
                    f"INSERT INTO {tables.GROUND_TRUTH_EVENT} (scope, event_id, campaign_id, actor_id, event_time,"
                    " label_time) VALUES (%s, %s, %s, %s, %s, %s)",
                    (self.run_id, f"e-{number}", campaign, self.actor_of(f"e-{number}"), at, at),
                )

    def write_alert(
        self,
        event_ids: list[str],
        *,
        subject: str,
        fraud_type: str = "card_testing",
        source: str = "score",
        alert_id: str | None = None,
    ) -> str:
        """One alert of the events, in one transaction; its id."""
        times = {event["event_id"]: event["event_time_ms"] for event in self.sent}
        trigger_ms = max(times[e] for e in event_ids) if source == "pattern" else min(times[e] for e in event_ids)
        made = alert_id or alert_id_of(self.run_id, self.domain, "actor", subject, fraud_type, trigger_ms, EPISODE_MS)
        with psycopg.connect(self.superuser_dsn) as connection:
            connection.execute(
                f"INSERT INTO {tables.ALERT} (alert_id, scope, domain, subject_type, subject_id, fraud_type, episode,"
                " severity, severity_rank, reasons, first_event_time, last_event_time, trigger_event_time,"
                " trigger_sent_at, first_source, detected_at, updated_at, event_count, amount_at_risk, pack_version)"
                " VALUES (%(id)s, %(scope)s, %(domain)s, 'actor', %(subject)s, %(type)s, %(episode)s, 'high', 2, '[]',"
                " to_timestamp(%(ms)s / 1000.0), to_timestamp(%(ms)s / 1000.0), to_timestamp(%(ms)s / 1000.0),"
                " to_timestamp((%(ms)s + 3) / 1000.0), %(source)s, now(), now(), %(count)s, 10, '1')",
                {
                    "id": made,
                    "scope": self.run_id,
                    "domain": self.domain,
                    "subject": subject,
                    "type": fraud_type,
                    "episode": episode_of(trigger_ms, EPISODE_MS),
                    "ms": trigger_ms,
                    "source": source,
                    "count": len(event_ids),
                },
            )
            for event_id in event_ids:
                connection.execute(
                    f"INSERT INTO {tables.ALERT_EVENT} (alert_id, actor_id, event_id, source, event_time, committed_at)"
                    " VALUES (%s, %s, %s, %s, to_timestamp(%s / 1000.0), clock_timestamp())",
                    (made, self.actor_of(event_id), event_id, source, times[event_id]),
                )
        return made

    def write_alerts(self) -> None:
        """One alert per fraud campaign, of all its events."""
        for number in range(0, self.events, 10):
            if not self.is_lookalike(number):
                self.write_alert([f"e-{number + i}" for i in range(3)], subject=f"actor-{number}")

    @property
    def superuser_dsn(self) -> str:
        """The test superuser in this session's database."""
        return f"{_superuser_dsn(self.settings)} dbname={self.settings.database}"


def _superuser_dsn(settings: Settings) -> str:
    return os.environ.get(
        "PATTERNALARM_TEST_SUPERUSER_DSN", "host={} port={} user=postgres".format(*settings.address("postgres"))
    )


@pytest.fixture(scope="session")
def platform_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings with a migrated database and a home of this session's own, also those that commands read."""
    base = get_settings()
    mark = uuid.uuid4().hex[:8]
    databases = {name: f"test_grading_{name}_{mark}" for name in ("database", "airflow_database", "superset_database")}
    passwords = {name: getattr(base, name) or "test" for name in PASSWORD_SETTINGS.values()}
    settings = base.model_copy(update={**databases, **passwords, "home": tmp_path_factory.mktemp("home")})
    ensure_roles(settings, f"{_superuser_dsn(base)} dbname=postgres")
    upgrade(settings)
    yield settings
    with psycopg.connect(f"{_superuser_dsn(base)} dbname=postgres", autocommit=True) as connection:
        for database in databases.values():
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))


@pytest.fixture
def simulate(platform_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., SimulatedRun]]:
    """Makes simulated runs with their topics, and drops the topics afterwards."""
    commands = ("ledger.account", "figures.measure", "report.report", "verdict.verdict", "command_line")
    for command in commands:
        monkeypatch.setattr(f"patternalarm.grading.{command}.get_settings", lambda: platform_settings)
    admin = AdminClient({"bootstrap.servers": platform_settings.kafka_bootstrap})
    made: list[str] = []

    def make(**options: object) -> SimulatedRun:
        run = SimulatedRun(platform_settings, f"test-{uuid.uuid4().hex[:10]}", **options)
        topics = [NewTopic(name, TOPIC_SPECS[kind].partitions, 1) for kind, name in run.topics.items()]
        make_topics(admin, topics)
        made.extend(run.topics.values())
        return run

    yield make
    if made:
        for deleted in admin.delete_topics(made).values():
            deleted.result(30)


@pytest.fixture
def reports_dir(platform_settings: Settings) -> Path:
    """Where reports are written."""
    return platform_settings.reports_dir
