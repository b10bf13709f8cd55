"""Topics as tests need them: made, and there for whoever asks next."""

from collections.abc import Sequence

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec
from waiting import wait_for


def make_topics(admin: AdminClient, topics: Sequence[NewTopic]) -> None:
    """Create ``topics``, and return when the broker acts as the leader of each partition: a moment after it confirmed them."""
    for created in admin.create_topics(list(topics)).values():
        created.result(30)
    latest = {
        TopicPartition(topic.topic, number): OffsetSpec.latest()
        for topic in topics
        for number in range(topic.num_partitions)
    }

    def all_answer() -> bool:
        try:
            return all(future.result(30) for future in admin.list_offsets(latest).values())
        except KafkaException:
            return False

    wait_for(all_answer, 60)
