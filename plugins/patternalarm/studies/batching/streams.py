"""The scorer's streams: throughput from a topic that is full, latency at a rate that it holds, by Kafka's clocks."""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from confluent_kafka import Consumer, TopicPartition
from numpy.typing import NDArray

from patternalarm.contracts.jobs import ProcessKind, ScorerMode
from patternalarm.contracts.records import FEATURES_COLUMNS
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.generator.publishing.producer import Chunk, RecordProducer
from patternalarm.generator.publishing.publication import PACED_EVENTS, UNPACED_EVENTS
from patternalarm.models.metadata import ModelMetadata
from patternalarm.studies.batching.result import Measurement, Way
from patternalarm.studies.machine import cpu_seconds
from patternalarm.studies.rates import Mark, rates_of_second_half
from patternalarm.studies.scope import StudyScope

WAY_OF_MODE: Final = {ScorerMode.MICROBATCH: Way.MICROBATCH, ScorerMode.REALTIME: Way.REALTIME}

_DRAIN_SECONDS: Final = 300.0
_AT_ONCE: Final = 10_000
_SOURCE_TOPIC: Final = "events.study"


@dataclass(frozen=True)
class Feed:
    """What streams are fed.

    Attributes:
        full_topic: events in the topic before the scorer starts; throughput is that of their second half.
        per_second: events a second afterwards, of which latency is told.
        seconds: how long those come.
        warm_up_seconds: how much of that does not count.
    """

    full_topic: int
    per_second: float
    seconds: float
    warm_up_seconds: float

    @property
    def paced(self) -> int:
        """Events that come by the clock."""
        return round(self.per_second * (self.warm_up_seconds + self.seconds))

    @property
    def first_that_counts(self) -> int:
        """Number of the first event whose latency counts."""
        return self.full_topic + round(self.per_second * self.warm_up_seconds)


def features_records(rows: NDArray[np.float64], feature_set: str, first: int, count: int) -> list[bytes]:
    """Records of the features topic with ``rows`` in turn, numbered from ``first`` on: the number is the source's offset."""
    known = dict.fromkeys(FEATURES_COLUMNS)
    records = []
    for number in range(first, first + count):
        values = rows[number % len(rows)].tolist()
        record = {
            **known,
            "event_id": f"event-{number:09d}",
            "event_type": "study",
            "event_time_ms": number,
            "actor_id": f"actor-{number % 1_000:04d}",
            "feature_set": feature_set,
            "values": ["NaN" if math.isnan(value) else value for value in values],
            "source_topic": _SOURCE_TOPIC,
            "source_partition": 0,
            "source_offset": number,
            "source_crc": 0,
            "sent_at_ms": number,
            "behind_watermark": False,
            "identity_forgotten": False,
        }
        records.append(json.dumps(record).encode())
    return records


def measure_stream(
    scope: StudyScope,
    pack: str,
    model: Path,
    metadata: ModelMetadata,
    mode: ScorerMode,
    rows: NDArray[np.float64],
    feed: Feed,
) -> Measurement:
    """The scorer in ``mode``, from the topics of ``scope``, which hold nothing yet.

    Raises:
        StudyError: the scorer fails, or does not score all it is given.
    """
    producer = RecordProducer(scope.bootstrap, scope.topics[TopicKind.FEATURES])

    def chunk(first: int, count: int, send_ms: NDArray[np.float64]) -> Chunk:
        keys = [f"actor-{number % 1_000:04d}".encode() for number in range(first, first + count)]
        return Chunk(keys, features_records(rows, metadata.feature_set, first, count), send_ms)

    for first in range(0, feed.full_topic, UNPACED_EVENTS):
        full = chunk(first, min(UNPACED_EVENTS, feed.full_topic - first), np.empty(0))
        producer.send(full.keys, full.values)
    producer.finish()

    scorer = JobSpec(
        scope.process(ProcessKind.SCORER),
        Program.SPARK,
        "score_features",
        {
            "pack": pack,
            "scope": scope.name,
            "model": model,
            "score_from_ms": 0,
            "mode": mode,
            "checkpoint": scope.directory / "scorer-checkpoint",
        },
        tells_ready=True,
    )
    # In micro-batch mode it is ready when it has done the first batch, so time and CPU count from the start.
    marks: list[Mark] = [(time.monotonic(), 0, 0.0)]
    pid = scope.start(scorer)
    per_second, per_cpu_second = _drain(scope, scorer.name, pid, feed.full_topic, marks)

    # Rendered before the first is due: the sender's own work stays out of the latency.
    begin_ms = time.time() * 1_000 + 1_000
    due = begin_ms + np.arange(feed.paced) * 1_000 / feed.per_second
    paced = [
        chunk(feed.full_topic + first, len(due[first : first + PACED_EVENTS]), due[first : first + PACED_EVENTS])
        for first in range(0, feed.paced, PACED_EVENTS)
    ]
    late_ms = max(0.0, time.time() * 1_000 - begin_ms)
    for one in paced:
        one.send_ms = one.send_ms + late_ms
    producer.send_paced(iter(paced), feed.paced)
    producer.finish()
    _await_scores(scope, scorer.name, feed.full_topic + feed.paced)
    scope.stop(scorer.name)

    latency = latencies_ms(scope, feed.first_that_counts)
    return Measurement(
        way=WAY_OF_MODE[mode],
        rows=1,
        requests=len(latency),
        p50_ms=float(np.percentile(latency, 50)),
        p99_ms=float(np.percentile(latency, 99)),
        rows_per_second=per_second,
        rows_per_cpu_second=per_cpu_second,
    )


def _drain(scope: StudyScope, scorer: str, pid: int, wanted: int, marks: list[Mark]) -> tuple[float, float]:
    """Wait until ``wanted`` events are scored, adding to ``marks``; events a second and a CPU second of their second half."""

    def done() -> bool:
        scope.check([scorer])
        marks.append((time.monotonic(), scope.records(TopicKind.SCORES), cpu_seconds([pid])))
        return marks[-1][1] >= wanted

    scope.wait_for(done, f"{wanted} events to be scored", _DRAIN_SECONDS)
    return rates_of_second_half(marks)


def _await_scores(scope: StudyScope, scorer: str, wanted: int) -> None:
    def done() -> bool:
        scope.check([scorer])
        return scope.records(TopicKind.SCORES) >= wanted

    scope.wait_for(done, f"{wanted} events to be scored", _DRAIN_SECONDS)


def latencies_ms(scope: StudyScope, first: int) -> NDArray[np.float64]:
    """Kafka's time of the score minus its time of the features, of each event numbered ``first`` or higher.

    A copy that was delivered again is left out: what counts is the first score.
    """
    given = dict(_times(scope, TopicKind.FEATURES))
    scored: dict[int, int] = {}
    for number, time_ms in _times(scope, TopicKind.SCORES):
        scored[number] = min(time_ms, scored.get(number, time_ms))
    return np.array([scored[number] - given[number] for number in scored if number >= first], dtype=np.float64)


def _times(scope: StudyScope, kind: TopicKind) -> Iterator[tuple[int, int]]:
    """Number and Kafka's timestamp of every record of a topic."""
    consumer = Consumer({"bootstrap.servers": scope.bootstrap, "group.id": scope.name, "enable.auto.commit": False})
    topic, left = scope.topics[kind], scope.records(kind)
    try:
        consumer.assign([TopicPartition(topic, number, 0) for number in range(TOPIC_SPECS[kind].partitions)])
        while left > 0:
            for message in consumer.consume(_AT_ONCE, timeout=1.0):
                if message.error() is None:
                    left -= 1
                    yield json.loads(message.value() or b"{}")["source_offset"], message.timestamp()[1]
    finally:
        consumer.close()
