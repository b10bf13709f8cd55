"""What is known of a load test that faults were done to: the material that the checks judge."""

import json
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final

import pyarrow.parquet as pq
from faults.load_test import DOMAIN, LoadTest, asked_patiently
from faults.platform_under_test import PlatformUnderTest

from patternalarm.contracts.alerts import EvidenceSource
from patternalarm.contracts.online_store import EVENTS_KEPT, profile_key
from patternalarm.contracts.tables import ALERT, ALERT_EVENT, RUN, RUN_LEDGER, RUN_METRIC
from patternalarm.grading.ledger.score_log import score_log_path
from patternalarm.online_store.profiles import profile_of
from patternalarm.redis_client import redis_client

RESUMES_WITHIN_SECONDS: Final = 30.0

SCORE, PATTERN = EvidenceSource.SCORE.value, EvidenceSource.PATTERN.value


class Expected(Enum):
    """What a run may come to."""

    GRADED = "graded as if nothing had happened"
    CLOSED = "closed at once, the reason named"
    EITHER = "graded, or closed and the reason named"


@dataclass(frozen=True)
class Fault:
    """What was done to one part.

    Attributes:
        part: the supervisor's name of it, without a run's id; ``platform`` for all of it.
        what: in words, like ``kill -9``.
        at: when.
        released: when it was let go on; the same moment for a kill.
        back: when it was seen to work again; None when it was not.
        named: words of which one must be told where the fault is named; the part's name by default.
        said: what the platform said of itself while it lasted, where a scenario asked.
    """

    part: str
    what: str
    at: datetime
    released: datetime
    back: datetime | None
    named: tuple[str, ...] = ()
    said: str = ""

    @property
    def is_kill(self) -> bool:
        """Whether the process ended, rather than stood still."""
        return self.what.startswith("kill -9")

    @property
    def pause_seconds(self) -> float | None:
        """From the fault until the part worked again."""
        return None if self.back is None else (self.back - self.at).total_seconds()


@dataclass(frozen=True)
class Outage:
    """Faults that follow one another so closely that detection had no time to resume between them."""

    faults: Sequence[Fault]

    @property
    def began(self) -> datetime:
        """The first fault."""
        return min(fault.at for fault in self.faults)

    @property
    def back(self) -> datetime | None:
        """When the last part worked again; None when one never did."""
        backs = [fault.back for fault in self.faults if fault.back]
        return max(backs) if len(backs) == len(self.faults) else None


@dataclass(frozen=True)
class Detection:
    """An alert that was written or grew: when the newest of its events was due, when it was committed, and by whom."""

    due: datetime
    committed: datetime
    source: str


@dataclass(frozen=True)
class Figure:
    """A measured figure, the upper end of its interval, its threshold, and whether it was held to that."""

    value: float | None
    upper: float | None
    threshold: float | None
    passed: bool | None


@dataclass(frozen=True)
class FaultedRun:
    """A load test, the faults, and what became of it.

    Attributes:
        scenario: id of the scenario.
        expected: what it may come to.
        faults: what was done, in order.
        run: the load test.
        exit_code: of the command line that followed it; None when it had to be killed.
        airflow_state: of its DAG run, ``running`` when it never ended.
        state, reason, ended: of its row.
        ledger: its ledger by column; empty when it was not closed.
        figures: its figures by name and fraud type.
        alerts: how many it has.
        detections: every write of an alert.
        score_log: rows, distinct identities; None when there is no score log.
        stale_profiles: actors whose profile does not hold the newest of the score log.
        report: its report.json; None when there is none.
        page: its report.html.
        unhealthy: parts that do not work afterwards.
        left: what of the run is still there.
    """

    scenario: str
    expected: Expected
    faults: Sequence[Fault]
    run_id: str
    events: int
    due_until: datetime
    exit_code: int | None
    airflow_state: str
    output: str
    state: str
    reason: str | None
    ended: datetime | None
    ledger: dict[str, Any] = field(default_factory=dict)
    figures: dict[tuple[str, str], Figure] = field(default_factory=dict)
    alerts: int = 0
    detections: Sequence[Detection] = ()
    score_log: tuple[int, int] | None = None
    stale_profiles: Sequence[str] = ()
    report: dict[str, Any] | None = None
    page: str = ""
    unhealthy: Sequence[str] = ()
    left: Sequence[str] = ()

    @property
    def graded(self) -> bool:
        """Whether it came to a verdict."""
        return self.state in ("passed", "missed")

    @property
    def must_be_graded(self) -> bool:
        """Whether what is asked of a graded run is asked of this one."""
        return self.expected is Expected.GRADED or (self.expected is Expected.EITHER and self.graded)

    @property
    def outages(self) -> list[Outage]:
        """Its faults, put together where detection had no time to resume in between."""
        together: list[list[Fault]] = []
        until = datetime.min.replace(tzinfo=UTC)
        for fault in sorted(self.faults, key=lambda fault: fault.at):
            if fault.at > until:
                together.append([])
            together[-1].append(fault)
            resumes = fault.back and fault.back + timedelta(seconds=RESUMES_WITHIN_SECONDS)
            until = max(until, resumes or datetime.max.replace(tzinfo=UTC))
        return [Outage(faults) for faults in together]

    def resumed_after(self, outage: Outage, source: str) -> float | None:
        """Seconds from the end of an outage to the first alert after it, by ``source``; None when there was none.

        An alert whose event came later than the end counts from that event, so that a quiet moment is no pause.
        """
        if outage.back is None:
            return None
        after = [
            d for d in self.detections if d.source == source and d.due >= outage.began and d.committed >= outage.back
        ]
        if not after:
            return None
        since = max(outage.back, min(detection.due for detection in after))
        return max(0.0, (min(detection.committed for detection in after) - since).total_seconds())

    def pause_of_detection(self, outage: Outage) -> tuple[datetime, datetime] | None:
        """From the last alert by score before an outage ended to the first after it; None when one of them is missing."""
        if outage.back is None:
            return None
        commits = [detection.committed for detection in self.detections if detection.source == SCORE]
        before = [committed for committed in commits if committed < outage.back]
        after = [committed for committed in commits if committed >= outage.back]
        return (max(before), min(after)) if before and after else None


def gather(
    platform: PlatformUnderTest,
    run: LoadTest,
    scenario: str,
    expected: Expected,
    faults: Sequence[Fault],
    end: tuple[int | None, str],
    flink_files_before: set[str],
) -> FaultedRun:
    """Everything about a load test that ended, or never did."""

    def rows(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        return asked_patiently(platform, sql, *parameters)

    unhealthy = platform.unhealthy()
    ((state, reason, ended),) = rows(f"SELECT state, reason, ended_at FROM {RUN} WHERE run_id = %s", run.run_id)
    ledger = rows(f"SELECT to_jsonb(l) FROM {RUN_LEDGER} l WHERE run_id = %s", run.run_id)
    detections = rows(
        f"SELECT max(e.event_time), e.committed_at, e.source FROM {ALERT_EVENT} e JOIN {ALERT} a USING (alert_id)"
        " WHERE a.scope = %s GROUP BY alert_id, e.committed_at, e.source",
        run.run_id,
    )
    ((alerts,),) = rows(f"SELECT count(*) FROM {ALERT} WHERE scope = %s", run.run_id)
    figures = rows(
        f"SELECT metric, fraud_type, value, ci_high, threshold, passed FROM {RUN_METRIC} WHERE run_id = %s", run.run_id
    )
    report, page = (platform.settings.reports_dir / run.run_id / name for name in ("report.json", "report.html"))
    return FaultedRun(
        scenario=scenario,
        expected=expected,
        faults=sorted(faults, key=lambda fault: fault.at),
        run_id=run.run_id,
        events=run.events,
        due_until=run.due_until,
        exit_code=end[0],
        airflow_state=end[1],
        output=run.output,
        state=state,
        reason=reason,
        ended=ended,
        ledger=ledger[0][0] if ledger else {},
        figures={(metric, fraud_type): Figure(*figure) for metric, fraud_type, *figure in figures},
        alerts=alerts,
        detections=[Detection(*row) for row in detections],
        score_log=_score_log(platform, run.run_id),
        stale_profiles=_stale_profiles(platform, run.run_id),
        report=json.loads(report.read_text()) if report.is_file() else None,
        page=page.read_text() if page.is_file() else "",
        unhealthy=unhealthy,
        left=platform.left_of(run.run_id, flink_files_before),
    )


def _score_log(platform: PlatformUnderTest, run_id: str) -> tuple[int, int] | None:
    path = score_log_path(platform.settings.score_log_dir, DOMAIN, run_id)
    if not path.is_file():
        return None
    coordinates = pq.read_table(path, columns=["source_partition", "source_offset"])
    identities = set(zip(*(column.to_pylist() for column in coordinates.columns), strict=True))
    return coordinates.num_rows, len(identities)


def _stale_profiles(platform: PlatformUnderTest, run_id: str) -> list[str]:
    path = score_log_path(platform.settings.score_log_dir, DOMAIN, run_id)
    scored: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    if path.is_file():
        columns = pq.read_table(path, columns=["actor_id", "source_offset", "event_id"]).columns
        for actor_id, offset, event_id in zip(*(column.to_pylist() for column in columns), strict=True):
            scored[actor_id].append((offset, event_id))
    stale = []
    with closing(redis_client(platform.settings)) as client:
        for actor_id, events in scored.items():
            fields: Any = client.hgetall(profile_key(DOMAIN, run_id, actor_id))
            seen = [
                event.event_id
                for event in profile_of(run_id, DOMAIN, actor_id, fields).events
                if event.score is not None
            ]
            if seen != [event_id for _, event_id in sorted(events, reverse=True)[:EVENTS_KEPT]]:
                stale.append(actor_id)
    return stale
