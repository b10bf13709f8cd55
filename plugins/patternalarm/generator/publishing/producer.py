"""Handing records to Kafka: idempotent, unpaced or paced by the clock, with an account of what was acknowledged."""

import logging
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from confluent_kafka import KafkaException, Producer

from patternalarm.generator.batch import Array
from patternalarm.remedies import START_PLATFORM
from patternalarm.retrying import patience_of_settings, retrying

LOG = logging.getLogger(__name__)

MAX_OUTSTANDING = 100_000

_BATCH = 1_000
_TICK_S = 0.004


class UnreachableError(RuntimeError):
    """Kafka does not answer, or has no such topic."""


class DeliveryError(RuntimeError):
    """Kafka did not take or did not acknowledge every record."""


@dataclass
class Account:
    """What was handed over and what Kafka acknowledged; ``crc_sum`` adds the CRC-32 of every acknowledged value."""

    generated: int = 0
    acknowledged: int = 0
    crc_sum: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    lateness_ms: list[Array] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every record was acknowledged."""
        return self.generated == self.acknowledged

    @property
    def late_p99_ms(self) -> float | None:
        """p99 of handed over minus scheduled, milliseconds; None when nothing was paced."""
        if not self.lateness_ms:
            return None
        return float(np.percentile(np.concatenate(self.lateness_ms), 99))


@dataclass
class Chunk:
    """Rendered records in sending order; ``send_ms`` is when each is due, epoch milliseconds."""

    keys: Sequence[bytes]
    values: Sequence[bytes]
    send_ms: Array

    def __len__(self) -> int:
        return len(self.values)


class RecordProducer:
    """Writes records to one topic and keeps the account.

    Timestamps are Kafka's own, so retention and ``sent_at`` follow the clock and not the event.
    """

    def __init__(self, bootstrap: str, topic: str) -> None:
        self.account = Account()
        self._bootstrap, self._topic = bootstrap, topic
        # The client itself sends again what passes by itself; a record waits for those queued before it, then for Kafka.
        self._patience_s = 2 * patience_of_settings()
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 5,
                # What Java producers use, so that an actor lands in the same partition whoever writes it.
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": MAX_OUTSTANDING * 2,
                "queue.buffering.max.kbytes": 1_048_576,
                "delivery.timeout.ms": max(1, int(self._patience_s * 1000)),
            },
            logger=LOG,
        )

    def check(self) -> None:
        """Make sure that the topic is there.

        Raises:
            UnreachableError: Kafka does not answer, or has no such topic.
        """
        try:
            # Asking for the one topic by name would create it on a broker that allows that.
            topics = retrying("ask Kafka for its topics")(self._producer.list_topics, timeout=15).topics
        except KafkaException as error:
            raise UnreachableError(f"Kafka at {self._bootstrap} does not answer ({error}): {START_PLATFORM}") from error
        if self._topic not in topics:
            raise UnreachableError(f"topic {self._topic} does not exist: a run's task create_topics makes its topics")

    def _delivered(self, error: Any, message: Any) -> None:
        if error is None:
            self.account.acknowledged += 1
            self.account.crc_sum += zlib.crc32(message.value())
        else:
            name = error.name()
            self.account.errors[name] = self.account.errors.get(name, 0) + 1

    def _hand_over(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Queue records; Kafka's backpressure is waited for, never dropped."""
        deadline = time.monotonic() + self._patience_s
        while len(self._producer) > MAX_OUTSTANDING:
            self._producer.poll(0.05)
            if time.monotonic() > deadline:
                raise DeliveryError(f"Kafka took no record of {self._topic} for {self._patience_s:.0f} s")
        records: list[dict[str, Any]] = [{"value": value, "key": key} for key, value in zip(keys, values, strict=True)]
        self.account.generated += len(records)
        try:
            retrying(f"queue records of {self._topic}")(self._queue, records)
        except KafkaException as error:
            raise DeliveryError(f"{len(records)} records of {self._topic} were refused: {error.args[0]}") from error
        self._producer.poll(0)

    def _queue(self, records: list[dict[str, Any]]) -> None:
        """Queue ``records`` and empty the list; those that the client refuses stay in it."""
        self._producer.produce_batch(self._topic, records, on_delivery=self._delivered)
        refused = [record for record in records if "_error" in record]
        errors = [record.pop("_error") for record in refused]
        records[:] = refused
        if errors:
            # What is acknowledged meanwhile makes room.
            self._producer.poll(0)
            raise KafkaException(errors[0])

    def send(self, keys: Sequence[bytes], values: Sequence[bytes]) -> None:
        """Hand over all records as fast as Kafka takes them."""
        for first in range(0, len(values), _BATCH):
            self._hand_over(keys[first : first + _BATCH], values[first : first + _BATCH])

    def send_paced(
        self,
        chunks: Iterable[Chunk],
        lookahead: int,
        on_due: Callable[[float], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        """Hand over every record when it is due; what fell behind is sent at once.

        ``lookahead`` records are kept rendered, and the rest is rendered in the pauses, so ``chunks`` should be small
        (a few milliseconds of work each). ``on_due`` is called about every second with the time up to which everything
        was handed over (epoch seconds). ``stop`` ends the sending early.
        """
        ready = _Ready(iter(chunks))
        last_call = 0.0
        while not stop():
            ready.fill(1)
            if not ready:
                return
            now = time.time()
            due = ready.take_due(now * 1000)
            if due is not None:
                self._hand_over(due.keys, due.values)
                self.account.lateness_ms.append((time.time() * 1000 - due.send_ms).astype(np.float32))
                continue
            if on_due is not None and now - last_call >= 1.0:
                last_call = now
                on_due(now)
                continue
            if len(ready) < lookahead and ready.fill(len(ready) + 1):
                continue
            pause = min(_TICK_S, max(0.0, ready.next_due_ms / 1000 - now))
            self._producer.poll(0)
            time.sleep(pause)

    def finish(self) -> Account:
        """Wait for every acknowledgement and return the account."""
        self._producer.flush(self._patience_s)
        if not self.account.complete:
            LOG.error(
                "%s: %d of %d records acknowledged; %s",
                self._topic,
                self.account.acknowledged,
                self.account.generated,
                self.account.errors or "the rest got no answer",
            )
        return self.account


class _Ready:
    """Rendered records that are not due yet."""

    def __init__(self, chunks: Iterator[Chunk]) -> None:
        self._chunks = chunks
        self._waiting: list[Chunk] = []
        self._first = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    @property
    def next_due_ms(self) -> float:
        return float(self._waiting[0].send_ms[self._first])

    def fill(self, wanted: int) -> bool:
        """Render chunks until ``wanted`` records wait; whether any came."""
        grown = False
        while self._size < wanted:
            chunk = next(self._chunks, None)
            if chunk is None:
                return grown
            if len(chunk):
                self._waiting.append(chunk)
                self._size += len(chunk)
                grown = True
        return grown

    def take_due(self, now_ms: float) -> Chunk | None:
        """The records of the oldest chunk that are due, at most one hand-over of them; None if there are none."""
        chunk = self._waiting[0]
        end = min(int(np.searchsorted(chunk.send_ms, now_ms, side="right")), self._first + _BATCH)
        if end <= self._first:
            return None
        due = Chunk(chunk.keys[self._first : end], chunk.values[self._first : end], chunk.send_ms[self._first : end])
        self._size -= end - self._first
        self._first = end
        if end == len(chunk):
            self._waiting.pop(0)
            self._first = 0
        return due
