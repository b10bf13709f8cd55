"""How far a Flink job is behind its topic."""

from patternalarm.engines.ports import FlinkCluster
from patternalarm.hooks.committed_records import Backlog
from patternalarm.hooks.kafka_topics import KafkaTopicsHook


class UnreadEvents:
    """Counts records of ``topic`` that a job has not read, look by look.

    Flink tells the offset of the last record that it read, so where a partition ends in control records, or in those of
    an aborted transaction, the job never seems to reach its end offset.
    """

    def __init__(self, flink: FlinkCluster, kafka: KafkaTopicsHook, topic: str) -> None:
        self._flink, self._kafka, self._topic = flink, kafka, topic
        self._backlog = Backlog()

    def count(self, job_id: str) -> int:
        """Offsets of the topic that hold something which the job has not read.

        Raises:
            FlinkError, KafkaTopicsError, KafkaException, TimeoutError: an engine cannot be reached.
        """
        read = self._flink.read_offsets(job_id, self._topic)
        wanted = {(self._topic, partition): offset + 1 for partition, offset in read.items()}
        return self._backlog.left(self._kafka.offsets([self._topic]), wanted)
