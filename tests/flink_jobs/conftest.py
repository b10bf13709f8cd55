"""A real Kafka broker and the real Flink engine in one process for the pipeline's tests."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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

    def produce(self, topic: str, records: list[tuple[int, str, bytes]]) -> None:
        """Write (partition, key, value) records in the given order.

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
                },
            )
        )
        sent = [
            producer.send(self._clients.producer.ProducerRecord(topic, partition, key, value))
            for partition, key, value in records
        ]
        producer.flush()
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
    return load_pack(str(Path(__file__).parent / "pack.yaml"))


Detect = Callable[..., dict[TopicKind, list[dict[str, Any]]]]


@pytest.fixture
def detect(kafka: KafkaOfTests, pack: DomainPack) -> Detect:
    """Run the pipeline over (partition, key, value) records until their end; gives what the topics then hold."""

    def run(
        scope: str,
        records: list[tuple[int, str, bytes]],
        patterns: list[Pattern] | None = None,
        pack: DomainPack = pack,
    ) -> dict[TopicKind, list[dict[str, Any]]]:
        kafka.create(pack, scope)
        source_topic = topic_name(TopicKind.EVENTS, pack.name, scope)
        kafka.produce(source_topic, records)
        t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
        for option, value in {**JOB_OPTIONS, "parallelism.default": "2"}.items():
            t_env.get_config().set(option, value)
        connectors = kafka_connectors(pack, scope, kafka.bootstrap, bounded=True)
        build(t_env, pack, patterns or [], source_topic, connectors).execute().wait()
        wanted = (TopicKind.FEATURES, TopicKind.DEAD_LETTERS, TopicKind.PATTERN_HITS)
        return {kind: kafka.read(topic_name(kind, pack.name, scope)) for kind in wanted}

    return run
