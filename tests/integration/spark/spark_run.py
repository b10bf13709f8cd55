"""Run the Spark jobs as their command lines, and their topics."""

import json
import math
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from confluent_kafka import Consumer, Producer, TopicPartition

from patternalarm.contracts.topics import TopicKind
from patternalarm.settings import get_settings

REPOSITORY = Path(__file__).resolve().parents[3]
JOBS = REPOSITORY / "spark_jobs"
WITHIN_SECONDS = 180


def job(script: str, **options: object) -> list[str]:
    """Command line of a Spark job."""
    line = [str(get_settings().python("spark")), str(JOBS / script)]
    for name, value in options.items():
        line += [f"--{name.replace('_', '-')}", str(value)]
    return line


def run_job(script: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a Spark job to its end."""
    return subprocess.run(job(script, **options), capture_output=True, text=True, timeout=600)


@dataclass
class Topics:
    """The topics of a run_id, filled and read by the test."""

    scope: str
    names: dict[TopicKind, str]
    producer: Producer

    def send(self, kind: TopicKind, *records: dict[str, Any]) -> None:
        """Write records, keyed by actor, and wait until Kafka has them."""
        for record in records:
            values = {"values": ["NaN" if math.isnan(v) else v for v in record["values"]]} if "values" in record else {}
            self.producer.produce(self.names[kind], json.dumps({**record, **values}), record["actor_id"])
            self.producer.poll(0)
        assert self.producer.flush(30) == 0

    def read(self, kind: TopicKind) -> list[dict[str, Any]]:
        """All records of a topic so far."""
        consumer = Consumer(
            {
                "bootstrap.servers": get_settings().kafka_bootstrap,
                "group.id": self.scope,
                "enable.auto.commit": False,
                "enable.partition.eof": False,
            }
        )
        try:
            topic = self.names[kind]
            ends = {}
            for partition in consumer.list_topics(topic).topics[topic].partitions:
                _, end = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10)
                if end:
                    ends[partition] = end
            consumer.assign([TopicPartition(topic, partition, 0) for partition in ends])
            records: list[dict[str, Any]] = []
            while ends:
                for message in consumer.consume(1_000, 0.2):
                    assert message.error() is None
                    records.append(json.loads(message.value()))
                    if message.offset() + 1 >= ends.get(message.partition(), math.inf):
                        ends.pop(message.partition())
            return records
        finally:
            consumer.close()

    def await_scores(self, events: int, copies: int = 0) -> list[dict[str, Any]]:
        """Scores, once ``events`` different events have one and there are ``copies`` more."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while True:
            scores = self.read(TopicKind.SCORES)
            different = len({identity(score) for score in scores})
            if different >= events and len(scores) - different >= copies:
                return scores
            assert time.monotonic() < deadline, f"{len(scores)} scores of {different} events after {WITHIN_SECONDS} s"
            time.sleep(0.2)


def identity(record: dict[str, Any]) -> tuple[str, int, int]:
    """Source coordinates of a record."""
    return record["source_topic"], record["source_partition"], record["source_offset"]


@dataclass
class Scorer:
    """A scorer process."""

    process: subprocess.Popen[bytes]
    log: Path
    ready_file: Path

    def await_ready(self) -> None:
        """Wait for the ready file."""
        deadline = time.monotonic() + WITHIN_SECONDS
        while not self.ready_file.exists():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def jvm(self) -> int:
        """Process id of the scorer's JVM."""
        return psutil.Process(self.process.pid).children()[0].pid

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)
