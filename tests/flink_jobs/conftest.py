"""A real Kafka broker and the real Flink engine in one process for the pipeline's tests."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pyflink
import pytest
from pyflink.java_gateway import get_gateway
from pyflink.table import EnvironmentSettings, TableEnvironment

REPOSITORY = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(REPOSITORY / "flink_jobs"), str(REPOSITORY / "tests")]

from kafka_broker import JARS, kafka_broker  # noqa: E402
from pipeline import JOB_OPTIONS, build, kafka_connectors  # noqa: E402

from patternalarm.contracts.domain_pack import DomainPack, load_pack  # noqa: E402
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topic_name  # noqa: E402
from patternalarm.patterns import Pattern  # noqa: E402


class KafkaOfTests:
    """Topics of one scope: made, written and read through the Kafka client that Flink's connector ships."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        jvm = get_gateway().jvm
        self._clients = jvm.org.apache.flink.kafka.shaded.org.apache.kafka.clients
        self._common = jvm.org.apache.flink.kafka.shaded.org.apache.kafka.common
        self._jvm = jvm

    def _map(self, **options: str) -> Any:
        properties = self._jvm.java.util.HashMap()
        for name, value in {"bootstrap.servers": self.bootstrap, **options}.items():
            properties.put(name, value)
        return properties

    def create(self, pack: DomainPack, scope: str) -> None:
        """Make every topic of the scope with the partitions and settings of the contract."""
        admin = self._clients.admin.AdminClient.create(self._map())
        topics = self._jvm.java.util.ArrayList()
        for kind in TopicKind:
            spec = TOPIC_SPECS[kind]
            name = topic_name(kind, pack.name, scope)
            number = self._jvm.java.util.Optional.of(spec.partitions)
            topic = self._clients.admin.NewTopic(name, number, self._jvm.java.util.Optional.empty())
            config = self._jvm.java.util.HashMap()
            for setting, value in spec.config.items():
                config.put(setting, value)
            topics.add(topic.configs(config))
        admin.createTopics(topics).all().get()
        admin.close()

    def produce(
        self,
        topic: str,
        records: list[tuple[int, str, bytes]],
        timestamp_ms: int | None = None,
        transaction: Literal["commit", "abort"] | None = None,
    ) -> None:
        """Write (partition, key, value) records in the given order, in a transaction that ends so if one is wanted.

        ``timestamp_ms`` is the producer's clock.

        Raises:
            Py4JJavaError: Kafka did not take one of them.
        """
        base = "org.apache.flink.kafka.shaded.org.apache.kafka.common.serialization."
        producer = self._clients.producer.KafkaProducer(
            self._map(
                **{
                    "key.serializer": base + "StringSerializer",
                    "value.serializer": base + "ByteArraySerializer",
                    # A partition that was made this moment refuses the first batch; with more in flight the broker then
                    # sees a gap in their sequence and refuses all that follow.
                    "max.in.flight.requests.per.connection": "1",
                    **({"transactional.id": f"tests-{topic}"} if transaction else {}),
                },
            )
        )
        if transaction:
            producer.initTransactions()
            producer.beginTransaction()
        sent = [
            producer.send(self._clients.producer.ProducerRecord(topic, partition, timestamp_ms, key, value))
            for partition, key, value in records
        ]
        producer.flush()
        if transaction == "commit":
            producer.commitTransaction()
        elif transaction == "abort":
            producer.abortTransaction()
        for future in sent:
            future.get()
        producer.close()

    def read(self, topic: str) -> list[dict[str, Any]]:
        """Every JSON record of the topic."""
        base = "org.apache.flink.kafka.shaded.org.apache.kafka.common.serialization."
        consumer = self._clients.consumer.KafkaConsumer(
            self._map(
                **{"key.deserializer": base + "StringDeserializer", "value.deserializer": base + "StringDeserializer"},
            )
        )
        partitions = self._jvm.java.util.ArrayList()
        for info in consumer.partitionsFor(topic):
            partitions.add(self._common.TopicPartition(topic, info.partition()))
        consumer.assign(partitions)
        consumer.seekToBeginning(partitions)
        wanted = sum(consumer.endOffsets(partitions).values())
        records: list[dict[str, Any]] = []
        while len(records) < wanted:
            batch = consumer.poll(self._jvm.java.time.Duration.ofMillis(500)).iterator()
            while batch.hasNext():
                records.append(json.loads(batch.next().value()))
        consumer.close()
        return records


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaOfTests]:
    """A broker of the tests' own."""
    library = tmp_path_factory.mktemp("flink-lib")
    flink_home = Path(pyflink.__file__).parent
    for jar in [*(flink_home / "lib").glob("*.jar"), *(JARS / "flink").glob("*.jar")]:
        (library / jar.name).symlink_to(jar)
    # Read once, when PyFlink starts its JVM: the connector and our functions must be on that JVM's own class path.
    # Without FLINK_HOME, PyFlink overwrites FLINK_LIB_DIR.
    os.environ.update(FLINK_HOME=str(flink_home), FLINK_LIB_DIR=str(library))
    with kafka_broker(tmp_path_factory.mktemp("kafka")) as bootstrap:
        yield KafkaOfTests(bootstrap)


@pytest.fixture(scope="session")
def pack() -> DomainPack:
    """A pack with features of the actor and of a shared key."""
    return load_pack(Path(__file__).parent / "payments")


OUTPUTS = (TopicKind.FEATURES, TopicKind.DEAD_LETTERS, TopicKind.PATTERN_HITS)


class JobOfTests:
    """The pipeline of a scope on Flink, and what its topics hold. Bounded, it ends with the events that it finds."""

    def __init__(self, kafka: KafkaOfTests, pack: DomainPack, scope: str, patterns: list[Pattern]) -> None:
        self.kafka, self.pack, self.scope, self.patterns = kafka, pack, scope, patterns
        self.events = topic_name(TopicKind.EVENTS, pack.name, scope)
        kafka.create(pack, scope)

    def start(self, bounded: bool = False, savepoint: str | None = None) -> Any:
        """Submit the job, from ``savepoint`` if there is one; its TableResult."""
        t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
        # A job that fails must end, not start again.
        options = {**JOB_OPTIONS, "parallelism.default": "2", "restart-strategy.type": "none"}
        if savepoint:
            options["execution.state-recovery.path"] = savepoint
        for option, value in options.items():
            t_env.get_config().set(option, value)
        connectors = kafka_connectors(self.pack, self.scope, self.kafka.bootstrap, bounded)
        return build(t_env, self.pack, self.patterns, self.events, connectors).execute()

    @staticmethod
    def savepoint(running: Any, directory: Path) -> str:
        """Path of a savepoint that ``running`` makes and goes on."""
        kind = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType.CANONICAL
        # PyFlink's own method calls one that Flink 2.3 no longer has.
        return str(running.get_job_client()._j_job_client.triggerSavepoint(str(directory), kind).get())

    def read(self, kind: TopicKind) -> list[dict[str, Any]]:
        """Every record of the topic of ``kind``."""
        return self.kafka.read(topic_name(kind, self.pack.name, self.scope))

    def await_(
        self,
        kind: TopicKind,
        enough: Callable[[list[dict[str, Any]]], bool],
        meanwhile: Callable[[], None] | None = None,
    ) -> list[dict[str, Any]]:
        """What the topic of ``kind`` holds once that is ``enough``; ``meanwhile`` runs between two looks.

        Raises:
            AssertionError: it is not within a minute.
        """
        patience_ends = time.monotonic() + 60
        while not enough(records := self.read(kind)):
            assert time.monotonic() < patience_ends, f"{kind}: {records}"
            if meanwhile:
                meanwhile()
        return records


NewJob = Callable[..., JobOfTests]


@pytest.fixture
def new_job(kafka: KafkaOfTests, pack: DomainPack) -> NewJob:
    """Make the topics of a scope and its job, not yet started."""

    def make(scope: str, patterns: list[Pattern] | None = None, pack: DomainPack = pack) -> JobOfTests:
        return JobOfTests(kafka, pack, scope, patterns or [])

    return make


Detect = Callable[..., dict[TopicKind, list[dict[str, Any]]]]


@pytest.fixture
def detect(new_job: NewJob, pack: DomainPack) -> Detect:
    """Run the pipeline over (partition, key, value) records until their end; gives what the topics then hold."""

    def run(
        scope: str,
        records: list[tuple[int, str, bytes]],
        patterns: list[Pattern] | None = None,
        pack: DomainPack = pack,
    ) -> dict[TopicKind, list[dict[str, Any]]]:
        job = new_job(scope, patterns, pack)
        job.kafka.produce(job.events, records)
        job.start(bounded=True).wait()
        return {kind: job.read(kind) for kind in OUTPUTS}

    return run
