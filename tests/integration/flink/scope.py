"""A scope with its topics and its Flink job, as a run has them."""

import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from event_cases import DIRECTORY, record_of
from waiting import wait_for

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.contracts.records import derived_record
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topics_of
from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.engines.process_state import ProcessState
from patternalarm.settings import get_settings

WITHIN_SECONDS = 180
DOMAIN = "shop"


class Scope:
    """Topics and job of a new run_id."""

    def __init__(self) -> None:
        self.name = f"load-test-{DOMAIN}-{uuid.uuid4().hex[:12]}"
        self.job = flink_job_name(DOMAIN, self.name)
        self.topics = topics_of(DOMAIN, self.name)
        broker = {"bootstrap.servers": get_settings().kafka_bootstrap}
        self._admin = AdminClient(broker)
        wanted = [NewTopic(self.topics[kind], spec.partitions, 1) for kind, spec in TOPIC_SPECS.items()]
        for future in self._admin.create_topics(wanted).values():
            future.result(30)
        self._producer = Producer(broker)
        self._consumer = Consumer({**broker, "group.id": self.name, "auto.offset.reset": "earliest"})
        self._consumer.subscribe([self.topics[TopicKind.FEATURES], self.topics[TopicKind.DEAD_LETTERS]])
        self.sent = 0
        self.out: dict[tuple[int, int], dict[str, Any]] = {}

    def start(self) -> str:
        """Submit the job and wait until it runs; its id."""
        state, log = self.submit()
        assert state.exit_code == 0, "\n".join(log)
        return str(wait_for(self.running, WITHIN_SECONDS).job_id)

    def submit(self) -> tuple[ProcessState, list[str]]:
        """Submit the job; how that ended, and what it said."""
        name = f"{self.name}.start-flink"
        options = {
            "pack": str(DIRECTORY / "shop"),
            "scope": self.name,
            "checkpoints": target.files().checkpoints(self.name),
        }
        processes = target.processes()
        processes.start(JobSpec(name, Program.FLINK, "detect_patterns", options))
        state = wait_for(lambda: (found := processes.state(name)) and not found.alive and found, WITHIN_SECONDS)
        processes.remove(name)
        return state, processes.tail_log(name)

    def running(self) -> Any:
        """The job, once all of it runs."""
        job = target.flink().job(self.job)
        return job if job and job.state == "RUNNING" and job.vertices_running else None

    def send(self, ids: Iterable[str]) -> None:
        """Write events of these ids that happen now, each by an actor of its own."""
        for event_id in ids:
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            fields = {"event_id": event_id, "event_time": now, "actor_id": f"actor-{event_id}"}
            record = record_of({"fields": {name: f'"{value}"' for name, value in fields.items()}})
            self._producer.produce(self.topics[TopicKind.EVENTS], record, fields["actor_id"])
            self.sent += 1
        assert self._producer.flush(30) == 0

    def read_all(self) -> list[dict[str, Any]]:
        """Wait until every event sent came out; what came out, each event once."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while len(self.out) < self.sent:
            assert time.monotonic() < deadline, f"{len(self.out)} of {self.sent} events came out"
            message = self._consumer.poll(0.5)
            if message is not None and not message.error():
                record = derived_record(message.value())
                assert record is not None
                self.out[record["source_partition"], record["source_offset"]] = record
        return list(self.out.values())

    def close(self) -> None:
        """Cancel the job and remove everything, as the teardown of a run does."""
        flink = target.flink()
        for job_id in flink.jobs_named(self.job):
            flink.cancel(job_id)
        wait_for(lambda: not flink.jobs_named(self.job), WITHIN_SECONDS)
        flink.forget(self.job)
        target.files().remove(self.name)
        self._consumer.close()
        for future in self._admin.delete_topics(list(self.topics.values())).values():
            future.result(30)
