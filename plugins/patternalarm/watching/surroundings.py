"""The questions that the watcher of a run asks: what each engine says about itself and about how far detection is."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from patternalarm.contracts.jobs import ProcessKind, flink_job_name, process_name
from patternalarm.contracts.tables import CONSUMER_OFFSET, PLATFORM_ROLE
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topic_name
from patternalarm.engines import target
from patternalarm.http_client import http_client
from patternalarm.postgres import connect
from patternalarm.runs.interruptions import Interruption, record_interruptions
from patternalarm.settings import Settings

PLATFORM_PROGRAMS: Final = (
    *("postgres", "kafka", "redis", "zookeeper", "flink-jobmanager", "flink-taskmanager"),
    *("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"),
)
RUN_PROCESSES: Final = (ProcessKind.SCORER, ProcessKind.ALERT_WRITER, ProcessKind.ONLINE_STORE)

_AIRFLOW_NAMES: Final = {
    "scheduler": "airflow-scheduler",
    "dag_processor": "airflow-dag-processor",
    "triggerer": "airflow-triggerer",
}
_ANSWER_SECONDS: Final = 5


@dataclass(frozen=True)
class Program:
    """A program as its supervisor sees it.

    Attributes:
        alive: whether it runs.
        suspended: whether it is halted by a signal.
        ready: whether it said so since it was started, if it is one that does.
        ended: whether it was ended on purpose.
        started_at: epoch seconds of its last start.
    """

    alive: bool
    suspended: bool
    ready: bool
    ended: bool
    started_at: int


class Programs:
    """The platform's programs and the run's processes, by the name that a report gives them."""

    def __init__(self, run_id: str) -> None:
        self._names = {name: name for name in PLATFORM_PROGRAMS} | {
            kind.value: process_name(run_id, kind) for kind in RUN_PROCESSES
        }

    def __call__(self) -> Mapping[str, Program]:
        """Ask the supervisor; programs that it does not know are missing."""
        processes = target.processes()
        states = {name: processes.state(program) for name, program in self._names.items()}
        return {
            name: Program(
                alive=state.alive and state.state not in ("BACKOFF", "EXITED"),
                suspended=state.suspended,
                ready=name in PLATFORM_PROGRAMS or processes.is_ready(self._names[name]),
                ended=state.state in ("STOPPED", "STOPPING") or (state.state == "EXITED" and not state.to_be_restarted),
                started_at=state.started_at,
            )
            for name, state in states.items()
            if state is not None
        }


class TopicEnds:
    """How many records each of the run's topics took so far."""

    KINDS: Final = (
        *(TopicKind.EVENTS, TopicKind.FEATURES, TopicKind.DEAD_LETTERS),
        *(TopicKind.SCORES, TopicKind.EVIDENCE, TopicKind.PATTERN_HITS),
    )

    def __init__(self, settings: Settings, domain: str, scope: str) -> None:
        self._admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap, "log_level": 0})
        self._kinds = {topic_name(kind, domain, scope): kind for kind in self.KINDS}
        self._partitions = [
            TopicPartition(topic, number)
            for topic, kind in self._kinds.items()
            for number in range(TOPIC_SPECS[kind].partitions)
        ]

    def __call__(self) -> Mapping[TopicKind, int]:
        """Ask Kafka.

        Raises:
            KafkaException: it does not answer, or refuses.
        """
        # The client keeps what it knows of leaders for minutes, and a broker that was started again refuses who asks with
        # the epoch of before: FENCED_LEADER_EPOCH at every look, until metadata are asked for.
        self._admin.list_topics(timeout=_ANSWER_SECONDS)
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        futures = self._admin.list_offsets(dict.fromkeys(self._partitions, latest), request_timeout=_ANSWER_SECONDS)
        ends = dict.fromkeys(self.KINDS, 0)
        for partition, future in futures.items():
            ends[self._kinds[partition.topic]] += future.result().offset
        return ends


class Books:
    """PostgreSQL: takes what was found of the run, and tells how many findings the alert writer has committed."""

    def __init__(self, settings: Settings, domain: str, scope: str) -> None:
        self._settings, self._run_id = settings, scope
        self._topics = [topic_name(kind, domain, scope) for kind in (TopicKind.EVIDENCE, TopicKind.PATTERN_HITS)]
        self._connection: psycopg.Connection[Any] | None = None
        self._lock, self._asking = threading.Lock(), threading.Lock()
        self._pending: dict[tuple[str, datetime], Interruption] = {}

    def note(self, found: Interruption) -> None:
        """Have ``found`` written at the next question."""
        with self._lock:
            self._pending[found.component, found.began_at] = found

    def __call__(self) -> int:
        """Write what was noted, and ask.

        Raises:
            psycopg.Error: PostgreSQL does not answer, or refuses; what was noted is kept.
        """
        with self._asking:
            return self._ask()

    def _ask(self) -> int:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect(self._settings, PLATFORM_ROLE, autocommit=True)
            with self._lock:
                pending = dict(self._pending)
            with self._connection.transaction():
                if pending:
                    record_interruptions(self._connection, self._run_id, list(pending.values()))
                row = self._connection.execute(
                    f"SELECT coalesce(sum(next_offset), 0) FROM {CONSUMER_OFFSET} WHERE topic = ANY(%s)",
                    (self._topics,),
                ).fetchone()
        except psycopg.Error:
            if self._connection is not None:
                self._connection.close()
            raise
        with self._lock:
            self._pending = {key: one for key, one in self._pending.items() if pending.get(key) != one}
        return int(row[0]) if row else 0


class FlinkJobRuns:
    """Whether the run's Flink job runs; None when there is none, or it has ended."""

    def __init__(self, domain: str, scope: str) -> None:
        self._name = flink_job_name(domain, scope)

    def __call__(self) -> bool | None:
        """Ask the JobManager.

        Raises:
            FlinkError: it does not answer.
        """
        job = target.flink().job(self._name)
        return None if job is None or job.ended else job.state == "RUNNING" and job.vertices_running


class AirflowHeartbeats:
    """When each of Airflow's processes reported to its database (epoch seconds), by program; those that never did are missing."""

    def __init__(self, settings: Settings) -> None:
        self._client = http_client(settings.airflow_url, _ANSWER_SECONDS)

    def __call__(self) -> Mapping[str, float]:
        """Ask the API server.

        Raises:
            httpx.HTTPError, ValueError: it does not answer.
        """
        health = self._client.get("/api/v2/monitor/health").raise_for_status().json()
        beats = {program: health[name].get(f"latest_{name}_heartbeat") for name, program in _AIRFLOW_NAMES.items()}
        return {program: datetime.fromisoformat(beat).timestamp() for program, beat in beats.items() if beat}
