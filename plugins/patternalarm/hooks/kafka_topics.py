"""Topics of a scope: created from the contracts, counted, dropped."""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from airflow.providers.apache.kafka.hooks.client import KafkaAdminClientHook
from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic, OffsetSpec  # type: ignore[attr-defined]

from patternalarm.contracts.topics import TOPIC_SPECS, topics_of
from patternalarm.passing_errors import passes_by_itself
from patternalarm.remedies import START_PLATFORM
from patternalarm.retrying import retrying

_TIMEOUT_SECONDS: Final = 15

T = TypeVar("T")


class KafkaTopicsError(RuntimeError):
    """Kafka cannot be reached or refuses; the message says why and what to do."""


class KafkaTopicsHook(KafkaAdminClientHook):  # type: ignore[misc]
    """The topics of a domain in a scope, through the Kafka provider's admin client (connection ``kafka_default``)."""

    def check(self) -> None:
        """Return when Kafka answers.

        Raises:
            KafkaTopicsError: it does not.
        """
        self._patiently("answer", self._metadata)

    def create(self, domain: str, scope: str) -> list[str]:
        """Create every topic of ``domain`` in ``scope`` that is missing, and return when clients can use them; their names.

        Raises:
            KafkaTopicsError: a topic cannot be created, or is not ready when patience ends.
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
        self._patiently(f"create the topics of {scope}", lambda: self._create(wanted))
        # A broker learns of new topics, and of who leads their partitions, a moment after it confirmed them, and shows
        # itself as a partition's leader before it acts as one: topics are ready when it answers for each partition.
        self._patiently(f"answer for the new topics of {scope}", lambda: self._answer_for(wanted))
        return list(names.values())

    def drop(self, domain: str, scope: str) -> list[str]:
        """Drop every topic of ``domain`` in ``scope`` that exists; their names.

        Raises:
            KafkaTopicsError: a topic cannot be dropped.
        """
        return self.drop_named(list(topics_of(domain, scope).values()))

    def drop_named(self, names: list[str]) -> list[str]:
        """Drop those topics of ``names`` that exist; their names.

        Raises:
            KafkaTopicsError: a topic cannot be dropped.
        """
        dropped: list[str] = []
        if names:
            self._patiently(f"drop {len(names)} topics", lambda: self._drop(names, dropped))
        return dropped

    def names(self) -> list[str]:
        """Names of all topics that there are, sorted.

        Raises:
            KafkaTopicsError: Kafka cannot be reached.
        """
        return sorted(self._patiently("list its topics", self._metadata).topics)

    def offsets(self, topics: Iterable[str]) -> dict[tuple[str, int], tuple[int, int]]:
        """First offset and offset after the last, by topic and partition; topics that do not exist are left out.

        Raises:
            KafkaTopicsError: Kafka cannot be reached.
        """
        topics = list(topics)
        # Between the list of topics and the question, one may be dropped or made, or change its leader.
        return self._patiently("tell offsets", lambda: self._offsets_now(topics))

    def committed(self, group: str, topic: str) -> dict[tuple[str, int], int]:
        """Offset that ``group`` committed, which it wants next, by topic and partition of ``topic``; others are left out.

        Raises:
            KafkaTopicsError: Kafka cannot be reached.
        """
        return self._patiently(f"tell what {group} committed", lambda: self._committed_now(group, topic))

    def records(self, topic: str) -> int:
        """Records in ``topic`` by its offsets; 0 when it does not exist.

        Raises:
            KafkaTopicsError: Kafka cannot be reached.
        """
        return sum(last - first for first, last in self.offsets([topic]).values())

    def _create(self, wanted: list[NewTopic]) -> None:
        futures = self.get_conn.create_topics(wanted, request_timeout=_TIMEOUT_SECONDS)
        for future in futures.values():
            self._settle(future, unless=KafkaError.TOPIC_ALREADY_EXISTS)

    def _answer_for(self, wanted: list[NewTopic]) -> None:
        existing = self._metadata().topics
        for topic in wanted:
            shown = existing[topic.topic].partitions if topic.topic in existing else {}
            if len(shown) < topic.num_partitions:
                raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, f"{topic.topic} is not shown yet"))
            if any(partition.leader < 0 for partition in shown.values()):
                raise KafkaException(KafkaError(KafkaError.LEADER_NOT_AVAILABLE, f"{topic.topic} has no leader yet"))
        self._offsets_of([TopicPartition(topic.topic, n) for topic in wanted for n in range(topic.num_partitions)])

    def _drop(self, names: list[str], dropped: list[str]) -> None:
        for name, future in self.get_conn.delete_topics(names, request_timeout=_TIMEOUT_SECONDS).items():
            if self._settle(future, unless=KafkaError.UNKNOWN_TOPIC_OR_PART):
                dropped.append(name)

    def _offsets_now(self, topics: list[str]) -> dict[tuple[str, int], tuple[int, int]]:
        existing = self._metadata().topics
        return self._offsets_of(
            [
                TopicPartition(topic, partition)
                for topic in topics
                if topic in existing
                for partition in existing[topic].partitions
            ]
        )

    def _offsets_of(self, partitions: list[TopicPartition]) -> dict[tuple[str, int], tuple[int, int]]:
        specs = (OffsetSpec.earliest(), OffsetSpec.latest())  # type: ignore[no-untyped-call]
        first, last = (self._list_offsets(partitions, spec) for spec in specs)
        return {key: (first[key], last[key]) for key in last}

    def _committed_now(self, group: str, topic: str) -> dict[tuple[str, int], int]:
        question = [ConsumerGroupTopicPartitions(group)]
        (future,) = self.get_conn.list_consumer_group_offsets(question, request_timeout=_TIMEOUT_SECONDS).values()
        told = self._settle(future).topic_partitions or []
        return {(place.topic, place.partition): place.offset for place in told if place.topic == topic}

    def _list_offsets(self, partitions: list[TopicPartition], spec: OffsetSpec) -> dict[tuple[str, int], int]:
        if not partitions:
            return {}
        futures = self.get_conn.list_offsets(dict.fromkeys(partitions, spec), request_timeout=_TIMEOUT_SECONDS)
        return {
            (partition.topic, partition.partition): self._offset_of(partition, future)
            for partition, future in futures.items()
        }

    def _offset_of(self, partition: TopicPartition, future: Any) -> int:
        try:
            offset: int = self._settle(future).offset
        except KafkaException as error:
            if error.args[0].code() != KafkaError._NOENT:
                raise
            # So the client says that it knows no leader of a partition, where a broker would say the code that passes;
            # we ask for none that the broker has not just shown.
            unled = KafkaError(KafkaError.LEADER_NOT_AVAILABLE, f"{partition.topic} has no leader for the moment")
            raise KafkaException(unled) from error
        return offset

    def _metadata(self) -> Any:
        return self.get_conn.list_topics(timeout=_TIMEOUT_SECONDS)

    @staticmethod
    def _settle(future: Any, unless: int | None = None) -> Any:
        try:
            return future.result() or True
        except KafkaException as error:
            if error.args[0].code() == unless:
                return None
            raise

    @staticmethod
    def _patiently(what: str, work: Callable[[], T]) -> T:
        try:
            return retrying(f"wait until Kafka can {what}")(work)
        except KafkaException as error:
            remedy = f": {START_PLATFORM}" if passes_by_itself(error) else ""
            raise KafkaTopicsError(f"Kafka cannot {what} ({error.args[0].str()}){remedy}") from error
