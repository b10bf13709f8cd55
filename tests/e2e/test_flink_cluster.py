"""The contract of ``FlinkCluster``, by the platform's own cluster, with the job that every run has."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flink_cluster_contract import tell
from waiting import wait_for

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topic_name, topics_of
from patternalarm.engines.job_spec import JobSpec, Program
from patternalarm.engines.local.files import LocalFiles
from patternalarm.engines.local.flink import RestFlinkCluster
from patternalarm.engines.local.processes import SupervisedProcesses
from patternalarm.settings import Settings

DOMAIN = "payments"


class PlatformsCluster:
    """See ``Stage``."""

    def __init__(self, settings: Settings, scope: str) -> None:
        self.cluster = RestFlinkCluster(settings)
        self.processes = SupervisedProcesses(settings)
        self.settings, self.scope = settings, scope
        self.name = flink_job_name(DOMAIN, scope)
        self.topic = topic_name(TopicKind.EVENTS, DOMAIN, scope)
        self.savepoints = f"{LocalFiles(settings).directory(scope)}/savepoints"
        self.submission = JobSpec(
            f"{scope}.start-flink", Program.FLINK, "detect_patterns", {"pack": DOMAIN, "scope": scope}
        )

    def start(self) -> None:
        self.processes.start(self.submission)
        ended = wait_for(
            lambda: (state := self.processes.state(self.submission.name)) and not state.alive and state, 120
        )
        assert ended.exit_code == 0, self.processes.tail_log(self.submission.name)

    def publish(self, count: int) -> None:
        producer = Producer({"bootstrap.servers": self.settings.kafka_bootstrap})
        for number in range(count):
            producer.produce(self.topic, json.dumps({"no": "event"}), str(number))
        assert producer.flush(30) == 0


@pytest.fixture
def stages(platform: Settings) -> Iterator[list[PlatformsCluster]]:
    """Two scopes of their own, whose topics, jobs and files go with them."""
    began = int(time.time())
    with ExitStack() as stack:
        yield [stack.enter_context(stage(platform, f"contract-{began}-{number}")) for number in (1, 2)]


@contextmanager
def stage(platform: Settings, scope: str) -> Iterator[PlatformsCluster]:
    """One of them."""
    admin = AdminClient({"bootstrap.servers": platform.kafka_bootstrap})
    wanted = [
        NewTopic(topic, num_partitions=TOPIC_SPECS[kind].partitions, replication_factor=1)
        for kind, topic in topics_of(DOMAIN, scope).items()
    ]
    for future in admin.create_topics(wanted).values():
        future.result()
    made = PlatformsCluster(platform, scope)
    yield made
    made.processes.remove(made.submission.name)
    for job_id in made.cluster.jobs_named(made.name):
        made.cluster.cancel(job_id)
    wait_for(lambda: not made.cluster.jobs_named(made.name), 60)
    made.cluster.forget(made.name)
    LocalFiles(platform).remove(scope)
    for future in admin.delete_topics([topic.topic for topic in wanted]).values():
        future.result()


def test_the_platforms_cluster_keeps_the_contract(stages: list[PlatformsCluster]) -> None:
    tell(*stages)
