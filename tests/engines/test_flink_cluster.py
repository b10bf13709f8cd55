"""The contract of ``FlinkCluster``, by the double; tests/e2e runs the same file against Flink."""

from engine_doubles import FlinkInMemory
from flink_cluster_contract import tell


class InMemory:
    """See ``Stage``."""

    name = "detect-payments-run-1"
    topic = "events.payments.run-1"
    savepoints = "memory:///savepoints"

    def __init__(self):
        self.cluster = FlinkInMemory()

    def start(self):
        self.cluster.run(self.name)

    def publish(self, count):
        self.cluster.records = {(self.topic, partition): count // 2 for partition in (0, 1)}


def test_the_double_keeps_the_contract():
    tell(InMemory())
