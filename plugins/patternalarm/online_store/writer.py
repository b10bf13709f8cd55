"""Keeps the profiles of one domain and scope: ``python -m patternalarm.online_store.writer --pack P --scope S``.

Reads ``features`` and ``scores`` and merges them into a profile per actor in Redis. How far it came is kept in Redis beside
the profiles and nowhere else: killed at any moment it goes on from there, and when Redis lost them, it begins with what
Kafka still has. What of an error of Kafka or Redis passes by itself is waited out here. A record that breaks the contract
is counted and passed over: the stages that detect fraud put it into quarantine. SIGTERM lets it read what is there, for a
few seconds at most, and leave with exit code 0. It leaves with 1 when Kafka or Redis refuses it, with 2 on bad input,
before it read anything, and with 75 when one of them fails it for longer than patience: to be started again.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis
from redis.exceptions import RedisError
from tenacity.nap import sleep_using_event

from patternalarm.argument_parser import ArgumentParser, new_file_argument, scope_argument
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.pack_folder import PackError
from patternalarm.contracts.records import Partition
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.kafka_input import InputRecord, KafkaInput, KafkaInputError, OffsetGoneError, Reader
from patternalarm.online_store.batch import UpdateBuilder
from patternalarm.online_store.progress import Progress
from patternalarm.online_store.store import ProfileStore
from patternalarm.passing_errors import passes_by_itself
from patternalarm.redis_client import redis_client
from patternalarm.remedies import START_PLATFORM
from patternalarm.retrying import retrying
from patternalarm.settings import Settings, get_settings

BATCH_RECORDS: Final = 2_000

# A batch that is not full is followed by a rest: people read profiles, and a round trip per event would cost more than
# the event. It is also how late a profile may be.
REST_SECONDS: Final = 0.1

# How often Redis is asked whether it still has the profiles when there is nothing to write.
IDLE_SECONDS: Final = 1.0

# How long a stop may read what is still there.
STOP_SECONDS: Final = 5.0

# On a machine that is full, detection goes first and profiles come late.
NICENESS: Final = 10

_WAIT_SECONDS: Final = 0.2

_READER: Final = Reader("online store", bookkeeper="Redis", remedy="the profiles go on with what is there")

logger = logging.getLogger(__name__)


class ProfileWriter:
    """Merges what ``features`` and ``scores`` bring into profiles, until told to stop.

    Args:
        domain: the domain.
        scope: ``live``, or a run.
        settings: where the engines are, and how long their absence is waited out.
        client: of Redis.
        ready_file: made once profiles are written.
        stop: set when it shall stop.
    """

    def __init__(
        self,
        domain: str,
        scope: str,
        settings: Settings,
        client: redis.Redis,
        ready_file: Path,
        stop: threading.Event,
    ) -> None:
        self._settings, self._ready_file, self._stop = settings, ready_file, stop
        self._client_id = f"online-store.{domain}.{scope}"
        self._features, self._scores = (
            topic_name(kind, domain, scope) for kind in (TopicKind.FEATURES, TopicKind.SCORES)
        )
        self._store = ProfileStore(client, domain, scope)
        self._progress = Progress()
        self._source: KafkaInput | None = None
        self._asked_at = 0.0

    def run(self) -> None:
        """Work until asked to stop.

        Raises:
            KafkaInputError, RedisError: an engine refused, or failed for longer than patience.
        """
        try:
            while not self._stop.is_set():
                # Each step that is done ends a series of failures.
                sleep = sleep_using_event(self._stop)
                full = retrying("keep profiles", self._settings.patience_seconds, sleep=sleep)(
                    self._step_unless_stopped
                )
                if not full:
                    self._stop.wait(REST_SECONDS)
            self._read_the_rest()
        finally:
            self._close()

    def _read_the_rest(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while self._source is not None and self._source.behind() and time.monotonic() < deadline:
            self._step()
        self._progress.tell(self._source.behind() if self._source else 0)

    def _step_unless_stopped(self) -> bool:
        return not self._stop.is_set() and self._step()

    def _step(self) -> bool:
        """Read and write once, on a connection that was made anew after a failure; whether there was a full batch."""
        try:
            source = self._source or self._begin()
            records = source.read(BATCH_RECORDS, _WAIT_SECONDS)
            if records or time.monotonic() - self._asked_at >= IDLE_SECONDS:
                self._write(source, records)
        except OffsetGoneError as error:
            self._close()
            logger.warning("%s", error)
            return False
        except (KafkaInputError, RedisError):
            self._close()
            raise
        self._progress.tell_if_due(source.behind)
        return len(records) == BATCH_RECORDS

    def _begin(self) -> KafkaInput:
        topics = [self._features, self._scores]
        source = KafkaInput(self._settings.kafka_bootstrap, topics, self._client_id, _READER)
        try:
            self._start(source)
        except (KafkaInputError, RedisError):
            source.close()
            raise
        self._source = source
        self._ready_file.touch()
        return source

    def _start(self, source: KafkaInput) -> None:
        known = self._store.begin()
        if not known:
            self._progress.generations += 1
            logger.info("Redis holds no profiles of this scope: building them from the beginning of the topics")
        offsets: dict[Partition, int] = {}
        for partition, (low, high) in source.spans().items():
            offset = known.get(partition, low)
            offsets[partition] = offset if low <= offset <= high else low
            if offset != offsets[partition]:
                logger.warning("topic %s, partition %d: Kafka holds %d to %d, not %d", *partition, low, high, offset)
        source.start(offsets)

    def _write(self, source: KafkaInput, records: Sequence[InputRecord]) -> None:
        builder = UpdateBuilder()
        builder.add_features(record.value for record in records if record.at.topic == self._features)
        builder.add_scores(record.value for record in records if record.at.topic == self._scores)
        moved = {(record.at.topic, record.at.partition): record.at.offset + 1 for record in records}
        is_there = self._store.write(builder.updates, moved)
        self._asked_at = time.monotonic()
        if records:
            newest_ms = max(record.timestamp_ms for record in records)
            self._progress.written(len(records), len(builder.updates), builder.unreadable, newest_ms)
        if not is_there:
            self._start(source)

    def _close(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = None


@dataclass(frozen=True)
class _Arguments:
    pack: str
    scope: str
    ready_file: Path


def _parse(argv: Sequence[str] | None) -> _Arguments:
    parser = ArgumentParser(prog="patternalarm.online_store.writer", description=__doc__)
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack")
    parser.add_argument("--scope", required=True, type=scope_argument, help="live, or the run_id of an isolated run")
    parser.add_argument(
        "--ready-file", required=True, type=new_file_argument, help="file made once profiles are written"
    )
    given = parser.parse_args(argv)
    return _Arguments(given.pack, given.scope, given.ready_file)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring for the exit codes."""
    arguments = _parse(argv)
    settings = get_settings()
    stop_asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop_asked.set())
    arguments.ready_file.unlink(missing_ok=True)
    os.nice(NICENESS)
    try:
        domain = load_pack(arguments.pack).name
        with closing(redis_client(settings)) as client:
            ProfileWriter(domain, arguments.scope, settings, client, arguments.ready_file, stop_asked).run()
    except PackError as error:
        logger.error("%s", error)
        return ExitCode.BAD_INPUT
    except KafkaInputError as error:
        logger.error("%s", error)
        return ExitCode.START_AGAIN if passes_by_itself(error) else ExitCode.FAILED
    except RedisError as error:
        logger.error("Redis at %s cannot be used (%s): %s", settings.address("redis"), error, START_PLATFORM)
        return ExitCode.START_AGAIN if passes_by_itself(error) else ExitCode.FAILED
    logger.info("stopped as asked, every record read is in its profile")
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(main())
