"""What detection and scoring cost: CPU per event of the running platform's engines, each from a topic that is full.

Needs a platform that is up (just started: an engine that ran before is warm) and has a model. One engine at a time, so
a rate is what it and Kafka reach alone.
"""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.contracts.runs import EVENTS_PER_MINUTE, Level
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topic_name, topics_of
from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.generator.activity.activity_file import load_activity
from patternalarm.generator.activity.cohort import Cohort, history_depth
from patternalarm.generator.activity.population import population_size
from patternalarm.generator.activity.slice import in_order_of_sending
from patternalarm.generator.publishing.producer import RecordProducer
from patternalarm.generator.publishing.publication import UNPACED_EVENTS, chunks_of
from patternalarm.settings import get_settings

DOMAIN = "payments"
LEVEL = Level.EXTREME
SECONDS = 40.0
TASK_MANAGER = "TaskManagerRunner"
BROKER = "kafka.Kafka"
PATIENCE_SECONDS = 400


def say(line: str) -> None:
    """A figure for whoever asked for the benchmark."""
    sys.stdout.write(f"{line}\n")


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def pid_of(words: str) -> int:
    """Process id of the program of this platform whose command line has these words."""
    home = str(get_settings().home)
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if words in command and home in command:
            return process.pid
    pytest.skip(f"no {words} of {home} runs: `make up` starts it")


def child_of(parent: int) -> int:
    """The JVM that a Python process started."""
    return psutil.Process(parent).children()[0].pid


def fill(scope: str) -> tuple[int, int]:
    """Publish history and activity of ``SECONDS``; how many records of each."""
    rate = EVENTS_PER_MINUTE[LEVEL]
    cohort = Cohort(DOMAIN, load_activity(DOMAIN), 31, 0, population_size(rate, 1))
    start_ms = int(time.time() * 1000) - int(SECONDS * 1000)
    producer = RecordProducer(get_settings().kafka_bootstrap, topic_name(TopicKind.EVENTS, DOMAIN, scope))
    for chunk in chunks_of(
        DOMAIN,
        cohort.model.columns,
        *in_order_of_sending(list(cohort.history(start_ms, history_depth(rate)))),
        UNPACED_EVENTS,
    ):
        producer.send(chunk.keys, chunk.values)
    earlier = producer.account.generated
    for piece in cohort.measured(start_ms, SECONDS, round(rate * SECONDS / 60)):
        for chunk in chunks_of(
            DOMAIN, cohort.model.columns, piece.events, piece.event_ids, piece.send_ms, UNPACED_EVENTS
        ):
            producer.send(chunk.keys, chunk.values)
    account = producer.finish()
    return earlier, account.acknowledged - earlier


@pytest.fixture
def scope() -> Iterator[str]:
    """A scope of its own, whose topics and jobs go with it."""
    settings = get_settings()
    pid_of(TASK_MANAGER)
    name = f"bench-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    admin = AdminClient({"bootstrap.servers": settings.kafka_bootstrap})
    wanted = [
        NewTopic(topic, num_partitions=TOPIC_SPECS[kind].partitions, replication_factor=1)
        for kind, topic in topics_of(DOMAIN, name).items()
    ]
    for future in admin.create_topics(wanted).values():
        future.result()
    yield name
    for future in admin.delete_topics(list(topics_of(DOMAIN, name).values())).values():
        future.result()


def end_of(consumer: Consumer, topic: str) -> int:
    """Records that ``topic`` has been given so far."""
    partitions = consumer.list_topics(topic, timeout=15).topics[topic].partitions
    return sum(consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=15)[1] for number in partitions)


def watch(consumer: Consumer, topic: str, wanted: int, pids: dict[str, int]) -> None:
    """Wait until ``topic`` was given ``wanted`` records; say how fast and at what cost."""
    begun: float | None = None
    marks: list[tuple[float, int, dict[str, float]]] = []
    patience_ends = time.monotonic() + PATIENCE_SECONDS
    while not marks or marks[-1][1] < wanted:
        assert time.monotonic() < patience_ends, f"{topic} holds {marks[-1][1] if marks else 0} of {wanted} records"
        done = end_of(consumer, topic)
        if done:
            begun = begun or time.monotonic()
            marks.append((time.monotonic() - begun, done, {name: cpu_seconds(pid) for name, pid in pids.items()}))
        time.sleep(0.5)
    for label, share in (("all", 0.0), ("second half", 0.5)):
        first = next(mark for mark in marks if mark[1] >= marks[-1][1] * share)
        events, seconds = marks[-1][1] - first[1], marks[-1][0] - first[0]
        cost = ", ".join(f"{name} {(marks[-1][2][name] - first[2][name]) / events * 1e6:.0f} us" for name in pids)
        say(f"{label}: {events:,} events in {seconds:.1f} s, {events / seconds:,.0f}/s; CPU per event: {cost}")


def test_detection_and_scoring_from_a_full_topic(scope: str, tmp_path: Path) -> None:
    settings = get_settings()
    earlier, measured = fill(scope)
    say(f"\n{DOMAIN} {LEVEL}: {earlier:,} earlier events, {measured:,} measured")
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": scope})
    processes, flink = target.processes(), target.flink()
    submission = JobSpec(f"{scope}.submission", Program.FLINK, "detect_patterns", {"pack": DOMAIN, "scope": scope})
    processes.start(submission)
    try:
        while (state := processes.state(submission.name)) and state.alive:
            time.sleep(0.2)
        assert flink.jobs_named(flink_job_name(DOMAIN, scope)), processes.tail_log(submission.name)
        pids = {"Flink": pid_of(TASK_MANAGER), "Kafka": pid_of(BROKER)}
        # The last seconds wait for the watermark, which stands still with the topic.
        features = (earlier + measured) * 99 // 100
        watch(consumer, topic_name(TopicKind.FEATURES, DOMAIN, scope), features, pids)
    finally:
        processes.remove(submission.name)
        for job in flink.jobs_named(flink_job_name(DOMAIN, scope)):
            flink.cancel(job)

    models = sorted((settings.models_dir / DOMAIN).glob("*/"))
    if not models:
        pytest.skip(f"no model of {DOMAIN} in {settings.models_dir}: `make demo` trains one")
    options = {
        "pack": DOMAIN,
        "scope": scope,
        "model": models[-1],
        "score_from_ms": 0,
        "checkpoint": tmp_path / "checkpoint",
    }
    scorer = JobSpec(f"{scope}.scorer", Program.SPARK, "score_features", options, tells_ready=True)
    processes.start(scorer)
    try:
        while not processes.is_ready(scorer.name):
            state = processes.state(scorer.name)
            assert state and state.alive, processes.tail_log(scorer.name)
            time.sleep(0.2)
        pids = {"Spark": child_of(state.pid), "Kafka": pid_of(BROKER)}
        watch(consumer, topic_name(TopicKind.SCORES, DOMAIN, scope), features, pids)
    finally:
        processes.remove(scorer.name)
    consumer.close()
