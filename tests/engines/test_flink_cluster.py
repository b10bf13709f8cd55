"""The contract of ``FlinkCluster``, by the double; tests/e2e runs the same file against Flink."""

from engine_doubles import FlinkInMemory
from flink_cluster_contract import tell


class InMemory:
    """See ``Stage``."""

    savepoints = "memory:///savepoints"

    def __init__(self, cluster, scope):
        self.cluster = cluster
        self.name = f"detect-payments-{scope}"
        self.topic = f"events.payments.{scope}"

    def start(self):
        self.cluster.run(self.name)

    def publish(self, count):
        self.cluster.records = {(self.topic, partition): count // 2 for partition in (0, 1)}


def test_the_double_keeps_the_contract():
    cluster = FlinkInMemory()
    tell(InMemory(cluster, "run-1"), InMemory(cluster, "run-2"))
