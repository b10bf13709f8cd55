"""How far a Flink job is behind its topic."""

from patternalarm.hooks.flink import FlinkHook
from patternalarm.hooks.kafka_topics import KafkaTopicsHook


def count_unread(flink: FlinkHook, kafka: KafkaTopicsHook, job_id: str, topic: str) -> int:
    """Records of ``topic`` that the job has not read.

    Raises:
        FlinkError, KafkaTopicsError: an engine cannot be reached.
    """
    read = flink.read_offsets(job_id, topic)
    spans = kafka.offsets([topic])
    return sum(
        last - max(first, read.get(partition, -1) + 1)
        for (_, partition), (first, last) in spans.items()
        if last > first
    )
