"""Detectors that tell nothing, through the whole of the grading: one that never alerts, and one that always does.

Both miss at every level, however short the run, and a good one does not.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from patternalarm.contracts.alerts import EvidenceSource
from patternalarm.contracts.runs import Level, RunKind
from patternalarm.grading.figures.detection import (
    ALERT_COLUMNS,
    ALERT_EVENT_COLUMNS,
    CAMPAIGN_COLUMNS,
    TRUTH_EVENT_COLUMNS,
    Alerts,
    Truth,
)
from patternalarm.grading.figures.measure import measure_run
from patternalarm.grading.figures.metrics import MetricName
from patternalarm.grading.figures.rates import ShardBooks
from patternalarm.grading.graded_run import GradedRun
from patternalarm.grading.ledger.score_log import SCORE_SCHEMA, ScoreLogWriter, score_log_path
from patternalarm.grading.run_store import StoredLedger
from patternalarm.grading.verdict.judgement import Judgement, judge
from patternalarm.runs.registry import Run

START = datetime(2026, 11, 1, tzinfo=UTC)
START_MS = round(START.timestamp() * 1_000)
# As many honest events for a campaign as the generator has, each of an actor of its own.
HONEST_PER_CAMPAIGN = 190


@dataclass(frozen=True)
class Detector:
    """What it gives a fraud's event and an honest one, and from which score on it alerts."""

    fraud_score: float
    honest_score: float
    threshold: float = 0.5


BLIND = Detector(0.0, 0.0)
ALARMIST = Detector(1.0, 1.0)
GOOD = Detector(0.9, 0.1)


def judged(detector: Detector, kind: RunKind, level: Level | None, campaigns: int, directory) -> Judgement:
    """The verdict on a run whose ledger is in order, of so many campaigns of one event each."""
    size = campaigns * (1 + HONEST_PER_CAMPAIGN)
    ids = [f"e-{n}" for n in range(size)]
    scores = [detector.fraud_score if n < campaigns else detector.honest_score for n in range(size)]
    run = Run(
        run_id="run-1",
        kind=kind,
        domain="payments",
        dag_id="dag",
        airflow_run_id="manual",
        pack_version="1",
        feature_set="fs",
        pattern_set="ps",
        requested_at=START,
        level=level,
        minutes=1.0 if level else None,
        params={"events_per_minute": size} if level else {},
        measured_from=START,
        measured_until=START + timedelta(minutes=1),
    )
    with ScoreLogWriter(
        score_log_path(directory, "payments", "run-1"),
        {"scope": "run-1", "domain": "payments", "pack_version": "1", "pattern_set": "ps"},
    ) as log:
        rows = [
            {
                "actor_id": f"actor-{n}",
                "event_id": ids[n],
                "event_time_ms": START_MS + n,
                "score": scores[n],
                "source_partition": 0,
                "source_offset": n,
            }
            for n in range(size)
        ]
        log.write(pa.Table.from_pylist(rows, SCORE_SCHEMA))
    alerted = [n for n in range(size) if scores[n] >= detector.threshold]
    alerts = [
        (f"a-{n}", "card_testing", EvidenceSource.SCORE, START_MS + n, START_MS + n, START_MS + n + 20) for n in alerted
    ]
    held = [(f"a-{n}", f"actor-{n}", ids[n], EvidenceSource.SCORE, START_MS + n, START_MS + n + 20) for n in alerted]
    graded = GradedRun(
        run=run,
        ledger=StoredLedger(
            run_id="run-1",
            **dict.fromkeys(("generated", "acknowledged", "offset_span", "featurised", "to_score", "scored"), size),
            **dict.fromkeys(("dead_lettered", "lost", "duplicated", "altered", "overlapping", "redelivered"), 0),
            closed=True,
            problems=[],
            accounted_at=START,
        ),
        shards=[ShardBooks("measured", 0, size, size, 0, START, START + timedelta(minutes=1), 1.0)],
        truth=Truth(
            pd.DataFrame(
                [(f"c-{n}", "fraud", "card_testing", 1, START_MS + n, 10.0) for n in range(campaigns)],
                columns=CAMPAIGN_COLUMNS,
            ),
            pd.DataFrame([(f"actor-{n}", ids[n], f"c-{n}") for n in range(campaigns)], columns=TRUTH_EVENT_COLUMNS),
        ),
        alerts=Alerts(
            _frame(alerts, ALERT_COLUMNS),
            _frame(held, ALERT_EVENT_COLUMNS),
        ),
        velocity=pd.DataFrame(columns=["bucket_ms", "events"]),
        model_version="m-1",
    )
    return judge(measure_run(graded, directory), kind, level)


def _frame(rows: list[tuple], columns: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(columns))
    return frame.astype({name: "float64" for name in columns if name.endswith("_ms")})


RUNS = [*((RunKind.LOAD_TEST, level) for level in Level), (RunKind.REPLAY, None)]
CAMPAIGNS = [1, 2, 20, 99, 100, 150]


@pytest.mark.parametrize(("kind", "level"), RUNS)
@pytest.mark.parametrize("campaigns", CAMPAIGNS)
def test_a_detector_that_scores_0_misses(kind: RunKind, level: Level | None, campaigns: int, tmp_path) -> None:
    verdict = judged(BLIND, kind, level, campaigns, tmp_path)
    assert MetricName.ALERTS_RAISED in {gate.metric.metric for gate in verdict.misses}
    assert "no alert was raised though fraud campaigns ran" in str(verdict.reason)


@pytest.mark.parametrize(("kind", "level"), RUNS)
@pytest.mark.parametrize("campaigns", CAMPAIGNS)
def test_a_detector_that_alerts_always_misses(kind: RunKind, level: Level | None, campaigns: int, tmp_path) -> None:
    verdict = judged(ALARMIST, kind, level, campaigns, tmp_path)
    told_by = MetricName.ROC_AUC if kind is RunKind.REPLAY else MetricName.ALERT_PRECISION
    assert told_by in {gate.metric.metric for gate in verdict.misses}


@pytest.mark.parametrize(("kind", "level"), RUNS)
@pytest.mark.parametrize("campaigns", CAMPAIGNS)
def test_a_good_detector_passes(kind: RunKind, level: Level | None, campaigns: int, tmp_path) -> None:
    assert judged(GOOD, kind, level, campaigns, tmp_path).reason is None
