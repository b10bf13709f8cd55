"""Engines under a quota, given events until their lag grows."""

import logging
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import psutil

from patternalarm.contracts.jobs import ProcessKind
from patternalarm.contracts.topics import TopicKind
from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec, Program, Size
from patternalarm.generator.activity.activity_file import load_activity
from patternalarm.generator.activity.cohort import SHALLOW_HISTORY_EVENTS, Cohort
from patternalarm.generator.activity.population import population_size
from patternalarm.generator.activity.slice import Slice, in_order_of_sending
from patternalarm.generator.batch import Array, EventBatch
from patternalarm.generator.publishing.producer import Chunk, RecordProducer
from patternalarm.generator.publishing.publication import PACED_EVENTS, UNPACED_EVENTS, chunks_of
from patternalarm.remedies import START_PLATFORM
from patternalarm.studies.capacity.cpu_quota import CpuQuota
from patternalarm.studies.capacity.result import Hold, Point
from patternalarm.studies.capacity.search import highest_held
from patternalarm.studies.errors import StudyError, StudyInputError
from patternalarm.studies.machine import cpu_seconds, memory_bytes
from patternalarm.studies.rates import Mark
from patternalarm.studies.scope import StudyScope

logger = logging.getLogger(__name__)

# What an event passes on its way to its score; the generator is none of it, nor is what Airflow and people look at.
ENGINES: Final = ("kafka", "zookeeper", "flink-jobmanager", "flink-taskmanager")

# A lag grows by chance as well: both engines pause to commit.
LAG_GROWTH_ALLOWED: Final = 0.03

_SEED: Final = 31
_SAMPLE_SECONDS: Final = 0.5
_DRAIN_SECONDS: Final = 600.0
# Without an event that is newer, the last second of events waits for the watermark: who is this long without a new
# score has nothing left to do.
_STILL_SECONDS: Final = 8.0
# The rate from which on actors are drawn for; each is then as active at all rates as people are.
_POPULATION_RATE: Final = 300_000
# A first guess at what a core holds: it sizes the first full topic alone.
_FIRST_GUESS_PER_CORE: Final = 5_000.0


@dataclass(frozen=True)
class Plan:
    """How long and how often rates are tried.

    Attributes:
        seconds: how long a rate is sent; its first third does not count.
        tries: rates that are tried for each quota.
    """

    seconds: float
    tries: int


@dataclass(frozen=True)
class Sample:
    """Lag at a time: events that were sent and have no score yet."""

    time: float
    lag: int


class Load:
    """Events of a domain that never come twice, for one scope.

    Args:
        scope: whose events topic is fed.
        pack: name or folder of the domain's pack.
    """

    def __init__(self, scope: StudyScope, pack: str) -> None:
        self._domain = scope.domain
        self._cohort = Cohort(scope.domain, load_activity(pack), _SEED, 0, population_size(_POPULATION_RATE, 1))
        self._producer = RecordProducer(scope.bootstrap, scope.topics[TopicKind.EVENTS])
        self._from_ms = int(time.time() * 1_000)

    def send_history(self) -> None:
        """The actors' earlier events, as a load test begins: they warm the engines."""
        history = list(self._cohort.history(self._from_ms, SHALLOW_HISTORY_EVENTS))
        self.send_at_once(self._chunks(*in_order_of_sending(history), UNPACED_EVENTS))

    def rendered(self, per_second: float, seconds: float) -> list[Chunk]:
        """Records of ``seconds`` at ``per_second``, made before the first is due, so that sending is all that is left.

        Their event times go on from those of the records before, and are never ahead of the clock by more than those lasted.
        """
        self._from_ms = max(self._from_ms, int(time.time() * 1_000))
        pieces = list(self._cohort.measured(self._from_ms, seconds, round(per_second * seconds)))
        self._from_ms += round(seconds * 1_000)
        return [chunk for piece in pieces for chunk in self._of_slice(piece)]

    def send_at_once(self, chunks: Iterable[Chunk]) -> None:
        """``chunks`` as fast as Kafka takes them."""
        for chunk in chunks:
            self._producer.send(chunk.keys, chunk.values)
        self._producer.finish()

    def send_paced(self, chunks: Sequence[Chunk]) -> None:
        """``chunks`` by the clock, from now on."""
        shift = time.time() * 1_000 - float(chunks[0].send_ms[0])
        for chunk in chunks:
            chunk.send_ms = chunk.send_ms + shift
        self._producer.send_paced(iter(chunks), sum(len(chunk) for chunk in chunks))
        self._producer.finish()

    def _of_slice(self, piece: Slice) -> Iterator[Chunk]:
        return self._chunks(piece.events, piece.event_ids, piece.send_ms, PACED_EVENTS)

    def _chunks(self, events: EventBatch, event_ids: Array, send_ms: Array, size: int) -> Iterator[Chunk]:
        return chunks_of(self._domain, self._cohort.model.columns, events, event_ids, send_ms, size)


class Detection:
    """The engines of one scope, from event to score, under a quota.

    Args:
        scope: their topics and jobs.
        quota: what they are put under.
    """

    def __init__(self, scope: StudyScope, quota: CpuQuota) -> None:
        self._scope, self._quota = scope, quota
        self._scorer = scope.process(ProcessKind.SCORER)
        self.pids: list[int] = []

    def start(self, pack: str, model: Path) -> None:
        """Start Flink job and scorer, and put them with the engines under the quota.

        Raises:
            StudyInputError: an engine is not up.
            StudyError: one of them does not start.
        """
        engines = [self._pid_of(name) for name in ENGINES]
        scope = self._scope
        options = {"pack": pack, "scope": scope.name}
        scope.start_flink_job(
            JobSpec(scope.process("start-flink"), Program.FLINK, "detect_patterns", options, size=Size.LARGE)
        )
        scorer = {"model": model, "score_from_ms": 0, "checkpoint": scope.directory / "scorer-checkpoint"}
        pid = scope.start(
            JobSpec(
                self._scorer, Program.SPARK, "score_features", {**options, **scorer}, tells_ready=True, size=Size.LARGE
            )
        )
        self.pids = [*engines, pid]
        self._quota.add(self.pids)

    @staticmethod
    def _pid_of(engine: str) -> int:
        state = target.processes().state(engine)
        if state is None or not state.pid:
            raise StudyInputError(f"{engine} is not up: {START_PLATFORM}")
        return state.pid

    def limit(self, cores: float) -> None:
        """Give the engines so many cores from now on."""
        self._quota.limit(cores)

    def done(self) -> int:
        """Events that have a score, or were refused with a reason."""
        self._scope.check([self._scorer])
        return self._scope.records(TopicKind.SCORES) + self._scope.records(TopicKind.DEAD_LETTERS)

    def lag(self) -> int:
        """Events that were sent and are not done."""
        return self._scope.records(TopicKind.EVENTS) - self.done()

    def cpu(self) -> float:
        """CPU seconds of the engines so far."""
        return cpu_seconds(self.pids)

    def look(self) -> Mark:
        """Time, events done so far, CPU seconds so far."""
        return time.monotonic(), self.done(), self.cpu()

    def drain(self, begun: Mark, what: str) -> list[Mark]:
        """Wait until nothing comes any more; what was done when since ``begun``, a look from before it was sent.

        Raises:
            StudyError: that takes too long.
        """
        marks = [begun]

        def still() -> bool:
            marks.append(self.look())
            newest = next(mark for mark in marks if mark[1] == marks[-1][1])
            return newest is not begun and marks[-1][0] - newest[0] > _STILL_SECONDS

        self._scope.wait_for(still, f"the engines to be done with {what}", _DRAIN_SECONDS)
        working = [mark for mark in marks if mark[1] < marks[-1][1]]
        first_without_more = marks[len(working)]
        return [(at, done - begun[1], cpu) for at, done, cpu in (*working, first_without_more)]


class _LagWatch:
    """Samples the lag while events are sent, in a thread of its own."""

    def __init__(self, detection: Detection) -> None:
        self._detection = detection
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._failure: Exception | None = None
        self.samples: list[Sample] = []

    def __enter__(self) -> "_LagWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _watch(self) -> None:
        try:
            while not self._stop.wait(_SAMPLE_SECONDS):
                self.samples.append(Sample(time.monotonic(), self._detection.lag()))
        except Exception as error:  # noqa: BLE001 - raised again by the thread that waits for this one
            self._failure = error


def lag_growth(samples: Sequence[Sample], per_second: float) -> float:
    """Growth of the lag as a share of ``per_second``, by least squares over all but the first third of ``samples``.

    Raises:
        StudyError: there are too few samples to tell.
    """
    counted = samples[len(samples) // 3 :]
    if len(counted) < 3:
        raise StudyError(f"{len(samples)} samples of the lag tell no growth; send each rate for longer")
    slope = np.polyfit([sample.time for sample in counted], [sample.lag for sample in counted], 1)[0]
    return float(slope) / per_second


def measure_point(detection: Detection, load: Load, cores: float, guess: float | None, plan: Plan) -> Point:
    """The highest rate that the engines hold with ``cores``.

    Args:
        detection: the engines, at work and idle.
        load: their events.
        cores: the quota.
        guess: what they may hold, events a second; None when nobody knows yet.
        plan: how to try.

    Raises:
        StudyError: no rate that was tried was held, or an engine failed.
    """
    detection.limit(cores)
    guess = guess or _FIRST_GUESS_PER_CORE * cores
    chunks = load.rendered(guess, plan.seconds)
    begun = detection.look()
    load.send_at_once(chunks)
    # All of it: Flink runs ahead of the scorer at first, so that the second half alone would be the scorer's.
    ended = detection.drain(begun, f"a full topic on {cores:g} cores")[-1]
    full_topic = ended[1] / (ended[0] - begun[0])
    logger.info("%g cores: %.0f events a second from a full topic", cores, full_topic)

    holds: list[Hold] = []
    used: dict[float, tuple[float, float]] = {}

    def holds_rate(per_second: float) -> bool:
        chunks = load.rendered(per_second, plan.seconds)
        begun, generator = detection.look(), _own_cpu()
        with _LagWatch(detection) as watch:
            load.send_paced(chunks)
            seconds = time.monotonic() - begun[0]
        # What Kafka does not take in time was not held either.
        growth = max(lag_growth(watch.samples, per_second), seconds / plan.seconds - 1)
        used[per_second] = ((detection.cpu() - begun[2]) / seconds, (_own_cpu() - generator) / seconds)
        held = growth <= LAG_GROWTH_ALLOWED
        holds.append(Hold(per_second=per_second, lag_growth=growth, held=held))
        logger.info("%g cores: %.0f events a second, lag grows by %.1f %%", cores, per_second, growth * 100)
        detection.drain(begun, f"{per_second:.0f} events a second on {cores:g} cores")
        return held

    highest = highest_held(full_topic, holds_rate, plan.tries)
    if highest is None:
        raise StudyError(
            f"none of {plan.tries} rates down to {min(hold.per_second for hold in holds):.0f} events a second was held with "
            f"{cores:g} cores; is the machine quiet?"
        )
    return Point(
        workers=cores,
        held_per_second=highest,
        full_topic_per_second=full_topic,
        cores_used=used[highest][0],
        generator_cores=used[highest][1],
        memory_mib=memory_bytes(detection.pids) / 2**20,
        holds=holds,
    )


def _own_cpu() -> float:
    return cpu_seconds([psutil.Process().pid])


def measure_points(
    scope: StudyScope, quota: CpuQuota, pack: str, model: Path, quotas: Sequence[float], plan: Plan
) -> list[Point]:
    """A point for each of ``quotas``, in their order, with engines that are warm.

    Raises:
        StudyInputError: an engine is not up.
        StudyError: an engine failed, or held nothing.
    """
    detection, load = Detection(scope, quota), Load(scope, pack)
    detection.start(pack, model)
    logger.info("warming up with the history of %s", scope.domain)
    begun = detection.look()
    load.send_history()
    detection.drain(begun, "the actors' history")
    points: list[Point] = []
    for cores in quotas:
        guess = points[-1].full_topic_per_second * cores / points[-1].workers if points else None
        points.append(measure_point(detection, load, cores, guess, plan))
    return points
