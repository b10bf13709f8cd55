"""A scope of a study's own: its topics, jobs and scratch files, which go when the study ends.

Its name is none that ``run_id_of`` makes, so nobody closes it as a run that was abandoned.
"""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.contracts.topics import TOPIC_SPECS, TopicKind, topics_of
from patternalarm.engines import target
from patternalarm.engines.errors import EngineError
from patternalarm.engines.job_spec import JobSpec
from patternalarm.remedies import START_PLATFORM
from patternalarm.retrying import asking_once
from patternalarm.settings import Settings
from patternalarm.studies.errors import StudyError, StudyInputError

_ANSWER_SECONDS: Final = 15.0
_POLL_SECONDS: Final = 0.2
_START_SECONDS: Final = 180.0
_END_SECONDS: Final = 60.0


class StudyScope:
    """The topics and jobs of one study.

    Args:
        settings: where the engines are.
        study: its name.
        domain: the domain that it looks at.
    """

    def __init__(self, settings: Settings, study: str, domain: str) -> None:
        self.name = f"study-{study}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        self.domain = domain
        self.topics = topics_of(domain, self.name)
        self.bootstrap = settings.kafka_bootstrap
        self._processes = target.processes()
        self._admin = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        # The group is never joined nor committed to; the client only insists on a name.
        self._consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.name, "log_level": 0})
        self._on_flink = False

    @property
    def directory(self) -> Path:
        """Scratch files and checkpoints of the scope."""
        return Path(target.files().directory(self.name))

    def check_platform(self) -> None:
        """See that Kafka and the supervisor answer.

        Raises:
            StudyInputError: one does not.
        """
        try:
            with asking_once():
                self._processes.names(self.name)
            self._admin.list_topics(timeout=_ANSWER_SECONDS)
        except EngineError as error:
            raise StudyInputError(str(error)) from error
        except KafkaException as error:
            raise StudyInputError(f"Kafka at {self.bootstrap} does not answer ({error}): {START_PLATFORM}") from error

    def open(self) -> None:
        """Make topics and directory."""
        target.files().make(self.name)
        wanted = [
            NewTopic(
                topic,
                num_partitions=TOPIC_SPECS[kind].partitions,
                replication_factor=1,
                config=TOPIC_SPECS[kind].config,
            )
            for kind, topic in self.topics.items()
        ]
        for future in self._admin.create_topics(wanted).values():
            future.result()

    def close(self) -> None:
        """Stop and remove whatever bears the scope's name; again is no error."""
        for name in self._processes.names(f"{self.name}."):
            self._processes.remove(name)
        if self._on_flink:
            self._cancel_flink_job()
        self._consumer.close()
        for future in self._admin.delete_topics(list(self.topics.values())).values():
            # What cannot be dropped is left to its retention; a study that failed is told by its own error.
            with suppress(TimeoutError):
                future.exception(_ANSWER_SECONDS)
        target.files().remove(self.name)

    def _cancel_flink_job(self) -> None:
        flink, name = target.flink(), flink_job_name(self.domain, self.name)
        for job in flink.jobs_named(name):
            flink.cancel(job)
        self.wait_for(lambda: not flink.jobs_named(name), f"{name} to end", _END_SECONDS)
        flink.forget(name)

    def process(self, what: str) -> str:
        """Name of the scope's process of this kind."""
        return f"{self.name}.{what}"

    def start(self, job: JobSpec) -> int:
        """Start ``job``, and return when it tells that it is ready; its process id.

        Raises:
            StudyError: it ended before.
        """
        self._processes.start(job)

        def ready() -> bool:
            self._check(job.name)
            return self._processes.is_ready(job.name)

        self.wait_for(ready, f"{job.name} to be ready", _START_SECONDS)
        return self._pid(job.name)

    def run(self, job: JobSpec, seconds: float) -> None:
        """Run ``job`` to its end.

        Raises:
            StudyError: it failed, or took longer than ``seconds``.
        """
        self._processes.start(job)

        def ended() -> bool:
            state = self._processes.state(job.name)
            return state is None or not state.alive

        self.wait_for(ended, f"{job.name} to end", seconds)
        self._check(job.name, accepted=(0,))
        self._processes.remove(job.name)

    def start_flink_job(self, submission: JobSpec) -> None:
        """Submit the scope's Flink job, and return when all of it runs.

        Raises:
            StudyError: the submission failed.
        """
        self._on_flink = True
        self.run(submission, _START_SECONDS)
        flink, name = target.flink(), flink_job_name(self.domain, self.name)

        def running() -> bool:
            job = flink.job(name)
            return job is not None and job.vertices_running

        self.wait_for(running, f"{name} to run", _START_SECONDS)

    def stop(self, name: str) -> None:
        """Stop a process of the scope."""
        self._processes.remove(name)

    def check(self, names: Sequence[str]) -> None:
        """See that the scope's processes ``names`` are at work.

        Raises:
            StudyError: one has ended.
        """
        for name in names:
            self._check(name)

    def _pid(self, name: str) -> int:
        state = self._processes.state(name)
        return state.pid if state else 0

    def _check(self, name: str, accepted: Sequence[int] = ()) -> None:
        state = self._processes.state(name)
        if state is None:
            raise StudyError(f"{name} is gone: somebody removed it, or the platform was taken down")
        if not state.alive and state.was_started and state.exit_code not in accepted:
            raise StudyError(state.describe(self._processes.tail_log(name)))

    def records(self, kind: TopicKind) -> int:
        """How many records the topic of ``kind`` has been given so far."""
        topic = self.topics[kind]
        return sum(
            self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_ANSWER_SECONDS)[1]
            for number in range(TOPIC_SPECS[kind].partitions)
        )

    @staticmethod
    def wait_for(condition: Callable[[], bool], what: str, seconds: float) -> None:
        """Wait until ``condition`` holds.

        Raises:
            StudyError: it did not within ``seconds``.
        """
        patience_ends = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > patience_ends:
                raise StudyError(f"waited {seconds:.0f} s for {what}")
            time.sleep(_POLL_SECONDS)


@contextmanager
def study_scope(settings: Settings, study: str, domain: str) -> Iterator[StudyScope]:
    """A scope that is open, and closed afterwards, also after SIGTERM.

    Raises:
        StudyInputError: the platform is not up.
    """

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    scope = StudyScope(settings, study, domain)
    scope.check_platform()
    before = signal.signal(signal.SIGTERM, end)
    try:
        scope.open()
        yield scope
    finally:
        scope.close()
        signal.signal(signal.SIGTERM, before)
