"""What a report says of names that somebody else chose: packs' fraud types, files, ids of actors."""

import io
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from patternalarm.contracts.alerts import EvidenceSource
from patternalarm.contracts.runs import PLANNED_ROWS, RunKind
from patternalarm.grading.figures.detection import (
    ALERT_COLUMNS,
    ALERT_EVENT_COLUMNS,
    CAMPAIGN_COLUMNS,
    TRUTH_EVENT_COLUMNS,
    Alerts,
    Truth,
    detection_metrics,
)
from patternalarm.grading.figures.measure import scored_metric
from patternalarm.grading.figures.rates import ShardBooks
from patternalarm.grading.graded_run import GradedRun
from patternalarm.grading.ledger.ledger import ProblemKind
from patternalarm.grading.report.data import ReportData
from patternalarm.grading.report.page import report_page
from patternalarm.grading.report.table import print_report
from patternalarm.grading.run_store import StoredLedger
from patternalarm.runs.interruptions import Interruption, What
from patternalarm.runs.registry import Run

START = datetime(2026, 11, 1, tzinfo=UTC)
START_MS = START.timestamp() * 1_000
HOSTILE = "<script>alert('$1 $2')</script>[red]"


def problem(kind: ProblemKind, text: str, **example: object) -> dict:
    return {"kind": kind, "count": 3, "text": text, "fails": kind is ProblemKind.LOST_FINDING, "examples": [example]}


@pytest.fixture
def data() -> ReportData:
    """A replay with one campaign that was found as something else, one that was missed and one look-alike alerted."""
    campaigns = [
        ("c-1", "fraud", HOSTILE, 1, START_MS, 10.0),
        (HOSTILE, "fraud", HOSTILE, 1, START_MS, None),
        ("c-3", "lookalike", HOSTILE, 1, START_MS, 5.0),
    ]
    alerts = [
        (f"a-{n}", kind, EvidenceSource.SCORE, START_MS, START_MS, START_MS + 20)
        for n, kind in enumerate([HOSTILE, "x"])
    ]
    held = [
        (f"a-{n}", "who", f"e-{event}", EvidenceSource.SCORE, START_MS, START_MS + 20) for n, event in enumerate((1, 3))
    ]
    graded = GradedRun(
        run=Run(
            run_id="replay-1",
            kind=RunKind.REPLAY,
            domain="shop",
            dag_id="replay_dataset",
            airflow_run_id="manual",
            pack_version="1",
            feature_set="fs",
            pattern_set="ps",
            requested_at=START,
            params={"file": f"/data/{HOSTILE}.csv", PLANNED_ROWS: 77},
            measured_from=START,
            measured_until=START + timedelta(minutes=1),
        ),
        ledger=StoredLedger(
            run_id="replay-1",
            **dict.fromkeys(("generated", "acknowledged", "offset_span", "featurised", "to_score", "scored"), 77),
            **dict.fromkeys(("dead_lettered", "lost", "duplicated", "altered", "overlapping", "redelivered"), 0),
            closed=False,
            problems=[
                problem(ProblemKind.LOST_FINDING, "3 findings are in no alert", subject_id=HOSTILE),
                problem(ProblemKind.BEHIND_WATERMARK, "3 events came behind the watermark"),
                problem(ProblemKind.QUARANTINED, "3 records were put into quarantine, by stage: scorer 3"),
                problem(ProblemKind.REPEATED_BY_PRODUCER, "3 events came again"),
            ],
            accounted_at=START,
        ),
        shards=[ShardBooks("measured", 0, 77, 77, 0, START, START + timedelta(minutes=1), 1.0)],
        truth=Truth(
            pd.DataFrame(campaigns, columns=CAMPAIGN_COLUMNS),
            pd.DataFrame(
                [("who", "e-1", "c-1"), ("who", "e-2", HOSTILE), ("who", "e-3", "c-3")], columns=TRUTH_EVENT_COLUMNS
            ),
        ),
        alerts=Alerts(
            pd.DataFrame(alerts, columns=list(ALERT_COLUMNS)), pd.DataFrame(held, columns=list(ALERT_EVENT_COLUMNS))
        ),
        velocity=pd.DataFrame(columns=["bucket_ms", "events"]),
        model_version="m-1",
    )
    return ReportData(graded, detection_metrics(graded.detection, by_event_time=True))


ASIDES = {"planned from the file": 77, "sent again by the producer": 3, "behind the watermark": 3, "in quarantine": 3}


def test_the_page_shows_what_the_ledger_tells_apart_and_runs_nothing_that_a_name_holds(data: ReportData) -> None:
    page = report_page(data)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 5
    assert "scorer 3" in page
    for label in ASIDES:
        assert f"{label[0].upper()}{label[1:]}</th>" in page
    assert data.asides == ASIDES
    assert "10 of 10" in page


def test_a_run_that_failed_says_why_and_a_load_test_shows_its_load(data: ReportData) -> None:
    run = replace(
        data.graded.run, kind=RunKind.LOAD_TEST, level="normal", minutes=2.0, seed=7, state="failed", reason=HOSTILE
    )
    page = report_page(ReportData(replace(data.graded, run=run), data.metrics))
    assert "<h1>Load test of shop</h1>" in page
    assert "level normal · 2 min · seed 7" in page
    assert "failed before it was graded: &lt;script&gt;" in page
    assert "<script" not in page


@pytest.mark.parametrize("paused", [True, False])
def test_what_interrupted_the_run_is_told_in_every_form(data: ReportData, paused: bool) -> None:
    kafka = Interruption("kafka", What.SILENT, START, START + timedelta(seconds=61.25))
    pause = Interruption("scores", What.PAUSED, START, START + timedelta(seconds=65))
    whole = ReportData(replace(data.graded, interruptions=[kafka, pause][: 1 + paused]), data.metrics)
    out = io.StringIO()
    print_report(whole, out)
    effect = (
        "detection paused for 1 min 5 s in all, at most 1 min 5 s at a time" if paused else "detection did not pause"
    )
    for line in (
        "kafka did not answer for 61.2 s from 00:00:00 UTC",
        effect,
        "graded without delays and rate",
    ):
        assert line in out.getvalue()
        assert line in report_page(whole)
    told = whole.as_json()
    assert [(one["component"], one["seconds"]) for one in told["interruptions"]] == [("kafka", 61.25)]
    assert [one["seconds"] for one in told["detection_pauses"]] == [65.0] * paused


def test_a_pause_that_nothing_explains_is_told_and_lets_nothing_go(data: ReportData) -> None:
    pause = Interruption("scores", What.PAUSED, START, START + timedelta(seconds=5))
    slow = ReportData(replace(data.graded, interruptions=[pause]), data.metrics)
    assert slow.interruption_lines == ["detection paused for 5.0 s in all, at most 5.0 s at a time"]
    assert not slow.graded.was_interrupted


def test_scores_that_the_log_lost_after_it_was_accounted_for_are_not_scored(data: ReportData) -> None:
    assert scored_metric(data.graded, 77).value == 1
    lost = scored_metric(data.graded, 40)
    assert (lost.numerator, lost.denominator) == (40, 77)


def test_the_terminal_shows_names_as_they_are(data: ReportData) -> None:
    out = io.StringIO()
    print_report(data, out)
    text = out.getvalue()
    assert "[red]" in text
    for label, count in ASIDES.items():
        assert re.search(rf"{label}\s+{count}\b", text), label


def test_a_load_test_of_a_folder_is_run_again_by_its_path(data):
    params = {"domain": "/my own/toll", "strict": True}
    run = replace(data.graded.run, kind=RunKind.LOAD_TEST, level="mini", minutes=0.5, seed=7, params=params)
    again = replace(data, graded=replace(data.graded, run=run))
    assert again.command == "make load-test DOMAIN='/my own/toll' LEVEL=mini MINUTES=0.5 SEED=7"
