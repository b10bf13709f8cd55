"""The watcher of one run: ``python -m patternalarm.watching.watcher --run-id R --domain D``.

Notes in ``platform.run_interruption`` which part of the platform, or of the run, was started again, was down, did not answer
or stood still while the run detected, and when detection paused. It needs none of them to go on: what PostgreSQL cannot take
is kept until it can. It ends with exit code 0 once the run's alert writer was stopped, or at SIGTERM.
"""

import argparse
import logging
import math
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.jobs import ProcessKind
from patternalarm.contracts.runs import check_run_id
from patternalarm.contracts.topics import TopicKind
from patternalarm.retrying import retrying
from patternalarm.runs.interruptions import Interruption, What
from patternalarm.settings import get_settings
from patternalarm.watching.outages import Outages
from patternalarm.watching.probe import Probe
from patternalarm.watching.stage import STILL_SECONDS, Stage
from patternalarm.watching.surroundings import (
    AirflowHeartbeats,
    Books,
    FlinkJobRuns,
    Program,
    Programs,
    TopicEnds,
)

TICK_SECONDS: Final = 1.0
# Answers older than this are none.
FRESH_SECONDS: Final = 4.0
# A tick that comes so late tells of this process, not of the others.
OVERSLEPT_SECONDS: Final = 3.0
# Airflow's processes report every five seconds when they are not busy.
HEARTBEAT_SECONDS: Final = 30.0

_STAGE_OF: Final = {
    "flink-taskmanager": "features",
    ProcessKind.SCORER.value: "scores",
    ProcessKind.ALERT_WRITER.value: "alerts",
}

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sight:
    """What is seen at one moment; None where there is no fresh answer.

    Attributes:
        programs: programs by name.
        ends: records of the run's topics.
        committed: findings that the alert writer has committed.
        flink_job: whether the run's Flink job runs; None also when it has ended.
        heartbeats: when Airflow's processes reported last (epoch seconds), by program.
        answered_at: when those answered last (epoch seconds) that are asked, by program.
    """

    programs: Mapping[str, Program] | None
    ends: Mapping[TopicKind, int] | None
    committed: int | None
    flink_job: bool | None
    heartbeats: Mapping[str, float] | None
    answered_at: Mapping[str, float]


class Watch:
    """Makes interruptions of what is seen, and hands them to ``note``."""

    def __init__(self, note: Callable[[Interruption], None]) -> None:
        self._note = note
        self._outages = Outages()
        self._stages = {
            "features": Stage("features", holds_back=True),
            "scores": Stage("scores"),
            "alerts": Stage("alerts", counts=True),
        }
        self._writer_seen = False
        self._job_away_at = -math.inf

    def look(self, now: float, sight: Sight) -> bool:
        """Take in what is seen ``now`` (epoch seconds); False when there is nothing more to watch."""
        self._look_at_stages(now, sight)
        if not sight.flink_job:
            self._job_away_at = now
        for name, program in (sight.programs or {}).items():
            if program.ended:
                continue
            trouble, since = self._trouble(name, program, now, sight)
            self._see(name, now, trouble, program.started_at, since)
        if sight.programs is not None:
            self._hear_those_elsewhere(now, sight, sight.programs)
        if sight.flink_job is not None:
            self._see("flink job", now, None if sight.flink_job else What.DOWN)
        return not self._is_over(sight)

    def _hear_those_elsewhere(self, now: float, sight: Sight, programs: Mapping[str, Program]) -> None:
        """Take in who answers, of those that no supervisor of ours runs: each has a container of its own."""
        for name in {*sight.answered_at, *(sight.heartbeats or {})} - programs.keys():
            silent = [at for at, patience in self._answers(name, sight) if now - at > patience]
            self._see(name, now, What.SILENT if silent else None, since=min(silent, default=None))

    def forgive(self, now: float) -> None:
        """Nothing was seen for a while, for reasons of our own."""
        self._outages.forgive(now)
        for stage in self._stages.values():
            stage.forgive()

    def _is_over(self, sight: Sight) -> bool:
        if sight.programs is None:
            return False
        writer = sight.programs.get(ProcessKind.ALERT_WRITER)
        if writer is not None and not writer.ended:
            self._writer_seen = True
        return self._writer_seen and (writer is None or writer.ended)

    def _see(
        self, part: str, now: float, trouble: What | None, started_at: int | None = None, since: float | None = None
    ) -> None:
        found = self._outages.see(part, now, trouble, started_at, since)
        if found is not None:
            seconds = "" if found.seconds is None else f" for {found.seconds:.1f} s"
            logger.info("%s %s%s", part, found.what, seconds)
            self._note(found)

    def _trouble(
        self, name: str, program: Program, now: float, sight: Sight
    ) -> tuple[What, float | None] | tuple[None, None]:
        """What is wrong with the program, and since when, if that is known."""
        if not (program.alive and program.ready):
            return What.DOWN, None
        if program.suspended:
            return What.STOOD_STILL, None
        for answered_at, patience in self._answers(name, sight):
            if answered_at < program.started_at:
                return What.DOWN, None
            if now - answered_at > patience:
                return What.SILENT, answered_at
        still_since = self._still_since(name, now)
        # Who was started after its stage came to rest is not why, and a Flink job that is started again has to begin.
        excused = still_since is None or still_since < program.started_at
        excused |= name == "flink-taskmanager" and now - self._job_away_at < STILL_SECONDS
        return (None, None) if excused else (What.STOOD_STILL, still_since)

    @staticmethod
    def _answers(name: str, sight: Sight) -> Iterator[tuple[float, float]]:
        """When the program, or Airflow for it, was last heard, and how long it may be silent then."""
        if name in sight.answered_at:
            yield sight.answered_at[name], FRESH_SECONDS
        if sight.heartbeats and name in sight.heartbeats:
            yield sight.heartbeats[name], HEARTBEAT_SECONDS

    def _still_since(self, name: str, now: float) -> float | None:
        return self._stages[_STAGE_OF[name]].still_since(now) if name in _STAGE_OF else None

    def _look_at_stages(self, now: float, sight: Sight) -> None:
        ends, committed = sight.ends, sight.committed
        seen: dict[str, tuple[int, int] | None] = dict.fromkeys(self._stages)
        if ends is not None:
            features = ends[TopicKind.FEATURES]
            seen["features"] = (ends[TopicKind.EVENTS], features + ends[TopicKind.DEAD_LETTERS])
            seen["scores"] = (features, ends[TopicKind.SCORES])
            if committed is not None:
                seen["alerts"] = (ends[TopicKind.EVIDENCE] + ends[TopicKind.PATTERN_HITS], committed)
        for name, stage in self._stages.items():
            work = seen[name]
            if work is None:
                stage.miss()
                continue
            pause = stage.look(now, *work)
            if pause is not None:
                logger.info("%s paused for %.1f s", name, pause.seconds)
                self._note(pause)


class Watcher:
    """Looks once a second, until the run has detected all or it is asked to stop."""

    def __init__(self, run_id: str, domain: str, stop: threading.Event) -> None:
        settings = get_settings()
        self._stop, self._began = stop, time.time()
        self._books = Books(settings, domain, run_id)
        self._watch = Watch(self._books.note)
        self._programs = Probe("the supervisor", Programs(run_id))
        self._ends = Probe("Kafka", TopicEnds(settings, domain, run_id))
        self._committed = Probe("PostgreSQL", self._books)
        self._flink_job = Probe("Flink", FlinkJobRuns(domain, run_id), interval=2.0)
        self._heartbeats = Probe("Airflow", AirflowHeartbeats(settings), interval=3.0)

    def run(self) -> None:
        """Watch, and leave nothing noted unwritten.

        Raises:
            psycopg.Error: PostgreSQL refuses, or stays away for as long as patience lasts.
        """
        probes: list[Probe[Any]] = [self._programs, self._ends, self._committed, self._flink_job, self._heartbeats]
        for probe in probes:
            probe.start()
        self._stop.wait(FRESH_SECONDS)
        before = resumed_at = time.time()
        while not self._stop.wait(TICK_SECONDS):
            now = time.time()
            if now - before > TICK_SECONDS + OVERSLEPT_SECONDS:
                self._watch.forgive(now)
                resumed_at = now
            before = now
            # Whoever overslept finds old answers, and must ask again before the silence is another's.
            if now - resumed_at > FRESH_SECONDS and not self._watch.look(now, self._sight(now)):
                break
        for probe in probes:
            probe.stop()
        retrying("write what befell the run")(self._books)

    def _sight(self, now: float) -> Sight:
        asked: dict[str, Probe[Any]] = {
            "kafka": self._ends,
            "postgres": self._committed,
            "flink-jobmanager": self._flink_job,
            "airflow-api-server": self._heartbeats,
        }
        return Sight(
            programs=_fresh(self._programs, now),
            ends=_fresh(self._ends, now),
            committed=_fresh(self._committed, now),
            flink_job=_fresh(self._flink_job, now),
            heartbeats=_fresh(self._heartbeats, now),
            answered_at={name: probe.answer[0] if probe.answer else self._began for name, probe in asked.items()},
        )


def _fresh(probe: "Probe[Any]", now: float) -> Any:
    return probe.answer[1] if probe.answer is not None and now - probe.answer[0] <= FRESH_SECONDS else None


def _run_id(text: str) -> str:
    try:
        return check_run_id(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    parser = ArgumentParser(prog="patternalarm.watching.watcher", description=__doc__)
    parser.add_argument("--run-id", required=True, type=_run_id, help="the run that is watched")
    parser.add_argument("--domain", required=True, help="the run's domain")
    given = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Watcher(given.run_id, given.domain, stop).run()
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(main())
