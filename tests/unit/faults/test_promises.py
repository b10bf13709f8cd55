"""Every promise is kept by a run that went well, and broken by the one that it is made against."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from faults.checks.all import CHECKS
from faults.evidence import Detection, Expected, Fault, FaultedRun, Figure
from faults.line import line_of
from faults.play import broken_promises

BEGAN = datetime(2026, 11, 26, 12, tzinfo=UTC)


def second(number: float) -> datetime:
    return BEGAN + timedelta(seconds=number)


KILL = Fault("kafka", "kill -9", at=second(15), released=second(15), back=second(21))


def told(component, began, ended):
    """An interruption, as a report tells it."""
    return {"component": component, "began_at": second(began).isoformat(), "seconds": float(ended - began)}


AWAY = told("kafka", 14, 22)
REPORT = {"interruptions": [AWAY], "detection_pauses": [{"began_at": second(15).isoformat(), "seconds": 9.0}]}
LEDGER = {
    "closed": True,
    "problems": [],
    "generated": 12_000,
    "acknowledged": 12_000,
    "offset_span": 12_000,
    "to_score": 10_000,
    "scored": 10_000,
    "lost": 0,
    "duplicated": 0,
    "altered": 0,
    "overlapping": 0,
}
DETECTIONS = [
    Detection(due=second(due), committed=second(committed), source=source)
    for source in ("score", "pattern")
    for due, committed in ((10, 10.2), (16, 24), (20, 24.5), (30, 30.2))
]
GOOD = FaultedRun(
    scenario="kill-kafka",
    expected=Expected.GRADED,
    faults=[KILL],
    run_id="load-test-payments-1",
    events=10_000,
    due_until=second(60),
    exit_code=0,
    airflow_state="success",
    output="passed",
    state="passed",
    reason=None,
    ended=second(120),
    ledger=LEDGER,
    figures={(name, "all"): Figure(0.9, 0.95, 0.8, None) for name in ("campaign_recall", "alert_precision")},
    alerts=60,
    detections=DETECTIONS,
    score_log=(10_000, 10_000),
    report=REPORT,
    page="<html></html>",
)
GENERATOR = Fault("generator-0", "kill -9", at=second(15), released=second(15), back=None)
CLOSED = replace(
    GOOD,
    expected=Expected.CLOSED,
    faults=[GENERATOR],
    state="failed",
    airflow_state="failed",
    exit_code=1,
    reason="load-test-payments-1.generator-0 was killed by SIGKILL",
    ended=second(30),
    ledger={},
    figures={},
    report=None,
    page="",
    score_log=None,
)


@pytest.mark.parametrize(
    "run", [GOOD, CLOSED, replace(CLOSED, expected=Expected.EITHER), replace(GOOD, expected=Expected.EITHER)]
)
def test_a_run_that_came_to_what_was_promised_breaks_nothing(run):
    assert broken_promises(run) == {}


@pytest.mark.parametrize(
    ("promise", "changed"),
    [
        ("comes-to-its-end", {"state": "missed", "reason": "score alerts took 61 s", "exit_code": 1}),
        ("comes-to-its-end", {"airflow_state": "running"}),
        ("is-followed", {"exit_code": 1}),
        ("is-followed", {"exit_code": None}),
        ("is-followed", {"output": "Traceback (most recent call last)"}),
        ("ledger-closes", {"ledger": {**LEDGER, "closed": False}}),
        ("ledger-closes", {"ledger": {**LEDGER, "offset_span": 12_001}}),
        ("nothing-is-lost", {"ledger": {**LEDGER, "lost": 1}}),
        ("nothing-is-lost", {"score_log": (9_999, 9_999)}),
        ("nothing-is-doubled", {"ledger": {**LEDGER, "duplicated": 1}}),
        ("nothing-is-doubled", {"score_log": (10_001, 10_000)}),
        ("detection-resumes", {"detections": [one for one in DETECTIONS if one.due < second(16)]}),
        ("detection-resumes", {"detections": [one for one in DETECTIONS if one.source == "score"]}),
        (
            "detection-resumes",
            {"detections": [replace(one, committed=max(one.committed, second(52))) for one in DETECTIONS]},
        ),
        ("finds-the-fraud", {"alerts": 0}),
        ("finds-the-fraud", {"figures": {**GOOD.figures, ("campaign_recall", "all"): Figure(0.3, 0.5, 0.8, None)}}),
        ("profiles-are-whole", {"stale_profiles": ["actor-1"]}),
        ("report-is-written", {"page": ""}),
        ("report-names-it", {"report": {}}),
        ("report-names-it", {"report": {**REPORT, "interruptions": []}}),
        ("report-names-it", {"report": {**REPORT, "interruptions": [told("postgres", 14, 22)]}}),
        ("report-names-it", {"report": {**REPORT, "interruptions": [told("kafka", 14, 90)]}}),
        ("report-names-it", {"report": {**REPORT, "detection_pauses": []}}),
        ("parts-are-back", {"unhealthy": ["kafka is fatal"]}),
        ("cause-is-named", {"faults": [replace(KILL, said="kafka: no", named=("disk is full",))]}),
        ("nothing-is-left", {"left": ["topic events.payments.load-test-payments-1"]}),
    ],
)
def test_each_promise_is_broken_by_what_it_is_made_against(promise, changed):
    assert list(broken_promises(replace(GOOD, **changed))) == [promise]


@pytest.mark.parametrize(
    "changed",
    [
        {"reason": "failed at generate"},
        {"ended": second(125)},
        {"state": "passed", "exit_code": 0},
    ],
)
def test_a_run_that_must_be_closed_is_closed_at_once_and_says_why(changed):
    assert list(broken_promises(replace(CLOSED, **changed))) == ["comes-to-its-end"]


def test_a_part_that_never_comes_back_breaks_what_hangs_on_it():
    gone = replace(GOOD, faults=[replace(KILL, back=None)])
    assert list(broken_promises(gone)) == ["detection-resumes", "parts-are-back"]


def test_an_alert_that_was_due_after_the_outage_counts_from_there():
    quiet = replace(GOOD, detections=[replace(one, due=second(58), committed=second(58.3)) for one in DETECTIONS])
    assert quiet.resumed_after(quiet.outages[0], "score") == pytest.approx(0.3)


def test_faults_that_leave_no_time_to_resume_are_one_outage():
    soon = replace(KILL, part="postgres", at=second(40), released=second(40), back=second(45))
    late = replace(KILL, part="scorer", at=second(90), released=second(90), back=second(91))
    outages = replace(GOOD, faults=[late, KILL, soon]).outages
    assert [[fault.part for fault in outage.faults] for outage in outages] == [["kafka", "postgres"], ["scorer"]]
    assert [outage.back for outage in outages] == [second(45), second(91)]


@pytest.mark.parametrize(
    ("part", "seconds", "asked"),
    [("kafka", 10, False), ("kafka", 25, True), ("airflow-scheduler", 25, False), ("airflow-scheduler", 60, True)],
)
def test_a_stop_must_be_named_once_it_can_be_told_from_silence(part, seconds, asked):
    stop = Fault(part, f"SIGSTOP {seconds} s", at=second(15), released=second(15 + seconds), back=second(15 + seconds))
    run = replace(GOOD, faults=[stop], report={**REPORT, "interruptions": []}, detections=[])
    assert ("report-names-it" in broken_promises(run)) is asked


def test_names_of_promises_are_distinct():
    assert len({check.id for check in CHECKS}) == len(CHECKS)


def test_the_line_tells_fault_pause_resumption_ledger_and_verdict():
    assert line_of(GOOD, {}) == (
        "kill-kafka: kill -9 of kafka at 12:00:15, back after 6.0 s; detection resumed by score 3.0 s later, pattern 3.0 s "
        "later; ledger closed: 10,000 scored, 0 lost, 0 doubled; passed; all promises kept"
    )
    broken = line_of(replace(GOOD, ledger={}), {"ledger-closes": ["it has no ledger"]})
    assert broken.endswith("; no ledger; passed; BROKEN ledger-closes: it has no ledger")
