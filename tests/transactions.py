"""A producer with transactions, against a real broker: what it leaves on a topic beside records."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from confluent_kafka import Producer


class Transactions:
    """Writes values in transactions; those of an aborted one take offsets, and so does every end of one."""

    def __init__(self, bootstrap: str, name: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": name, "linger.ms": 0})
        self._producer.init_transactions(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._producer.flush(30)

    def commit(self, topic: str, partition: int, values: Iterable[bytes]) -> None:
        """One committed transaction of ``values``."""
        self._begin(topic, partition, values)
        self._producer.commit_transaction(30)

    def abort(self, topic: str, partition: int, values: Iterable[bytes]) -> None:
        """One aborted transaction of ``values``, which are on the topic all the same."""
        self._begin(topic, partition, values)
        self._producer.abort_transaction(30)

    def _begin(self, topic: str, partition: int, values: Iterable[bytes]) -> None:
        self._producer.begin_transaction()
        for value in values:
            self._producer.produce(topic, value, partition=partition)
        # An abort would take back what is still in the producer.
        assert self._producer.flush(30) == 0
