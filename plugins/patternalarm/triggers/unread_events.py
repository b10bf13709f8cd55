"""How far a Flink job is behind its topic."""

from patternalarm.contracts.jobs import flink_consumer_group
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.engines.ports import FlinkCluster
from patternalarm.hooks.committed_records import Backlog
from patternalarm.hooks.kafka_topics import KafkaTopicsHook


class UnreadEvents:
    """Counts records of a scope's events topic that its job has not read, look by look.

    Flink tells the offset of the last record that it read, so where a partition ends in control records, or in those of
    an aborted transaction, the job never seems to reach its end offset. Of a job that was started again, it may tell what
    was read before and will be read once more, or nothing when there is no more to read; then what the job's last
    checkpoint holds is what is read.
    """

    def __init__(self, flink: FlinkCluster, kafka: KafkaTopicsHook, domain: str, scope: str) -> None:
        self._flink, self._kafka = flink, kafka
        self._topic = topic_name(TopicKind.EVENTS, domain, scope)
        self._group = flink_consumer_group(domain, scope)
        self._by_metrics, self._by_checkpoints = Backlog(), Backlog()

    def count(self, job_id: str) -> int:
        """Offsets of the topic that hold something which the job has not read.

        Raises:
            FlinkError, KafkaTopicsError, KafkaException, TimeoutError: an engine cannot be reached.
        """
        read = self._flink.read_offsets(job_id, self._topic)
        wanted = {(self._topic, partition): offset + 1 for partition, offset in read.items()}
        spans = self._kafka.offsets([self._topic])
        left = self._by_metrics.left(spans, wanted)
        # Asked last, so that what was told before a restart is not believed.
        if not self._flink.restarted(job_id):
            return left
        return self._by_checkpoints.left(spans, self._kafka.committed(self._group, self._topic))
