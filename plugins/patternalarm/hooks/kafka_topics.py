"""Topics of a scope: created from the contracts, counted, dropped."""

import time
from collections.abc import Iterable
from typing import Any, Final

from airflow.providers.apache.kafka.hooks.client import KafkaAdminClientHook
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec  # type: ignore[attr-defined]

from patternalarm.contracts.topics import TOPIC_SPECS, topics_of

_TIMEOUT_SECONDS: Final = 15
_UNSETTLED: Final = frozenset({"UNKNOWN_TOPIC_OR_PART", "NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE"})


class KafkaTopicsError(RuntimeError):
    """Kafka cannot be reached or refuses; the message says why and what to do."""


class _UnsettledPartitionError(KafkaTopicsError):
    """A partition that the brokers do not agree about yet."""


class KafkaTopicsHook(KafkaAdminClientHook):  # type: ignore[misc]
    """The topics of a domain in a scope, through the Kafka provider's admin client (connection ``kafka_default``)."""

    def check(self) -> None:
        """Return when Kafka answers.

        Raises:
            KafkaTopicsError: it does not.
        """
        self._metadata()

    def create(self, domain: str, scope: str) -> list[str]:
        """Create every topic of ``domain`` in ``scope`` that is missing, and return when clients can use them; their names.

        Raises:
            KafkaTopicsError: a topic cannot be created, or is not ready within 15 s.
        """
        names = topics_of(domain, scope)
        wanted = [
            NewTopic(
                name,
                num_partitions=TOPIC_SPECS[kind].partitions,
                replication_factor=1,
                config=TOPIC_SPECS[kind].config,
            )
            for kind, name in names.items()
        ]
        for name, future in self.get_conn.create_topics(wanted, request_timeout=_TIMEOUT_SECONDS).items():
            self._settle(future, f"create topic {name}", unless="TOPIC_ALREADY_EXISTS")
        self._await_all(set(names.values()))
        # A broker shows itself as the leader of a partition before it acts as one ("not leader for partition"): topics
        # are ready when it answers for each.
        self.offsets(names.values())
        return list(names.values())

    def drop(self, domain: str, scope: str) -> list[str]:
        """Drop every topic of ``domain`` in ``scope`` that exists; their names.

        Raises:
            KafkaTopicsError: a topic cannot be dropped.
        """
        names = list(topics_of(domain, scope).values())
        futures = self.get_conn.delete_topics(names, request_timeout=_TIMEOUT_SECONDS)
        return [
            name
            for name, future in futures.items()
            if self._settle(future, f"drop topic {name}", unless="UNKNOWN_TOPIC_OR_PART")
        ]

    def offsets(self, topics: Iterable[str]) -> dict[tuple[str, int], tuple[int, int]]:
        """First offset and offset after the last, by topic and partition; topics that do not exist are left out.

        Raises:
            KafkaTopicsError: Kafka cannot be reached.
        """
        topics = list(topics)
        patience_ends = time.monotonic() + _TIMEOUT_SECONDS
        while True:
            try:
                return self._offsets_now(topics)
            except _UnsettledPartitionError:
                # Between the list of topics and the question, one was dropped or made, or changed its leader.
                if time.monotonic() > patience_ends:
                    raise
                time.sleep(0.1)

    def _offsets_now(self, topics: list[str]) -> dict[tuple[str, int], tuple[int, int]]:
        existing = self._metadata().topics
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics
            if topic in existing
            for partition in existing[topic].partitions
        ]
        specs = (OffsetSpec.earliest(), OffsetSpec.latest())  # type: ignore[no-untyped-call]
        first, last = (self._list_offsets(partitions, spec) for spec in specs)
        return {key: (first[key], last[key]) for key in last}

    def records(self, topic: str) -> int:
        """Records in ``topic`` by its offsets; 0 when it does not exist.

        Raises:
            KafkaTopicsError: Kafka cannot be reached.
        """
        return sum(last - first for first, last in self.offsets([topic]).values())

    def _list_offsets(self, partitions: list[TopicPartition], spec: OffsetSpec) -> dict[tuple[str, int], int]:
        if not partitions:
            return {}
        futures = self.get_conn.list_offsets(dict.fromkeys(partitions, spec), request_timeout=_TIMEOUT_SECONDS)
        return {
            (partition.topic, partition.partition): self._settle(
                future, f"ask for the offsets of {partition.topic}"
            ).offset
            for partition, future in futures.items()
        }

    def _await_all(self, names: set[str]) -> None:
        # A broker learns of new topics, and of who leads their partitions, a moment after it confirmed them; a reader or
        # a question for their offsets that is earlier fails.
        patience_ends = time.monotonic() + _TIMEOUT_SECONDS
        while missing := names - self._led_topics():
            if time.monotonic() > patience_ends:
                raise KafkaTopicsError(f"Kafka does not show the topics {', '.join(sorted(missing))} that it created")
            time.sleep(0.05)

    def _led_topics(self) -> set[str]:
        return {
            name
            for name, topic in self._metadata().topics.items()
            if topic.partitions and all(partition.leader >= 0 for partition in topic.partitions.values())
        }

    def _metadata(self) -> Any:
        try:
            return self.get_conn.list_topics(timeout=_TIMEOUT_SECONDS)
        except KafkaException as error:
            raise KafkaTopicsError(
                f"Kafka does not answer ({error.args[0].str()}): start the platform with `make up`, "
                "then see `make status`"
            ) from None

    @staticmethod
    def _settle(future: Any, what: str, unless: str = "") -> Any:
        try:
            return future.result() or True
        except KafkaException as error:
            if error.args[0].name() == unless:
                return None
            kind = _UnsettledPartitionError if error.args[0].name() in _UNSETTLED else KafkaTopicsError
            raise kind(f"Kafka cannot {what}: {error.args[0].str()}") from None
