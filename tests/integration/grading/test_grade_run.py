"""Account, measure, report and verdict of a run, one after the other, on a real database and real topics."""

import json
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from patternalarm.contracts import tables
from patternalarm.contracts.runs import RunKind
from patternalarm.grading.command_line import run_command
from patternalarm.grading.figures.measure import measure
from patternalarm.grading.ledger.account import account
from patternalarm.grading.report.report import report
from patternalarm.grading.verdict.verdict import verdict
from patternalarm.runs.registry import RunState, finish_run


@pytest.fixture
def graded(simulate):
    """Simulate, let ``alerts`` write the alerts, and account and measure the run."""

    def make(alerts=None, more: dict | None = None, **options):
        run = simulate(**options)
        run.write_run(**(more or {}))
        run.write_truth()
        run.publish_events()
        if alerts:
            alerts(run)
        else:
            run.write_alerts()
        run.publish_findings()
        assert account(run.run_id) == 0
        assert measure(run.run_id) == 0
        return run

    return make


def figures(run) -> dict:
    with psycopg.connect(run.superuser_dsn, row_factory=dict_row) as connection:
        rows = connection.execute(f"SELECT * FROM {tables.RUN_METRIC} WHERE run_id = %s", (run.run_id,)).fetchall()
    return {(row["metric"], row["fraud_type"]): row for row in rows}


def state(run) -> tuple[str, str | None]:
    with psycopg.connect(run.superuser_dsn) as connection:
        return connection.execute(f"SELECT state, reason FROM {tables.RUN} WHERE run_id = %s", (run.run_id,)).fetchone()


def first_campaign_only(run) -> None:
    """Finds one of two frauds, and raises one false alarm on a look-alike."""
    first = ("e-0", "e-1", "e-2")
    run.evidence = [found for found in run.evidence if found["event_id"] in first]
    for score in run.scores:
        if score["score"] > 0.5 and score["event_id"] not in first:
            score.update(score=0.4, scores=[0.6, 0.4, 0.0])
        if score["event_id"] == "e-10":
            score.update(scores=[0.95, 0.02, 0.03])
            run.evidence.append({**score, "fraud_type": "account_takeover"})
    run.write_alert(["e-0", "e-1", "e-2"], subject="actor-0")
    run.write_alert(["e-10"], subject="actor-10", fraud_type="account_takeover")


def test_figures_of_a_run(graded) -> None:
    run = graded(first_campaign_only)
    got = figures(run)
    for metric, fraud_type, numerator, denominator in (
        ("campaign_recall", "card_testing", 1, 2),
        ("campaign_recall", "all", 1, 2),
        ("alert_precision", "card_testing", 1, 1),
        ("alert_precision", "account_takeover", 0, 1),
        ("alert_precision", "all", 1, 2),
        ("event_recall", "all", 3, 6),
        ("lookalikes_alerted", "all", 1, 2),
        ("events_scored", "all", 40, 40),
    ):
        row = got[metric, fraud_type]
        assert (row["numerator"], row["denominator"]) == (numerator, denominator), metric
    assert got["average_precision", "all"]["value"] == 1.0
    assert got["rate_reached", "all"]["value"] == pytest.approx(600)
    assert got["ledger_closed", "all"]["passed"] is True
    recall = got["campaign_recall", "all"]
    # One of two: its interval reaches the limit, so few campaigns say nothing.
    assert (recall["threshold"], recall["gated"], recall["passed"]) == (0.8, False, None)
    with psycopg.connect(run.superuser_dsn) as connection:
        committed, due = connection.execute(
            "SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000, extract(epoch FROM event_time) * 1000"
            f" FROM {tables.ALERT_EVENT} WHERE event_id = 'e-0' AND alert_id IN"
            f" (SELECT alert_id FROM {tables.ALERT} WHERE scope = %s)",
            (run.run_id,),
        ).fetchone()
    delays = got["score_alert_delay_p50", "all"]
    assert delays["denominator"] == 2
    # e-0 was due a second before e-10 and both alerts were written at once: the median of two is the shorter delay.
    assert float(committed - due) - 1_000 <= delays["value"] < float(committed - due)


def test_passing_run(graded, capsys) -> None:
    run = graded()
    assert verdict(run.run_id) == 0
    assert state(run) == ("passed", None)
    assert "passed all" in capsys.readouterr().out
    assert verdict(run.run_id) == 0


def test_missed_detection_is_named_with_its_distance(graded, capsys) -> None:
    run = graded(first_campaign_only, events=2_000)
    assert figures(run)["campaign_recall", "all"]["passed"] is False
    assert verdict(run.run_id) == 1
    message = capsys.readouterr().err
    assert "campaign_recall 0.01, 0.79 under the limit (at least 0.80)" in message
    assert "alert_precision 0.50, 0.30 under the limit (at least 0.80)" in message
    stored, reason = state(run)
    assert stored == "missed"
    assert "campaign_recall" in reason
    assert "alert_precision" in reason


def test_lost_event_misses_a_run_however_small(simulate, capsys) -> None:
    run = simulate()
    run.write_run()
    run.publish_events()
    run.scores.pop()
    run.publish_findings()
    run.write_alerts()
    assert account(run.run_id) == 1
    measure(run.run_id)
    assert verdict(run.run_id) == 1
    message = capsys.readouterr().err
    assert "events_lost 1 events (asked at most 0 events)" in message
    assert "the ledger is not closed" in message
    assert "events_scored 0.97" in message


def test_a_run_without_an_alert_misses_though_its_campaigns_are_few(graded, capsys) -> None:
    def none(run) -> None:
        run.evidence.clear()
        for score in run.scores:
            score.update(score=0.0, scores=[1.0, 0.0, 0.0])

    run = graded(none)
    assert verdict(run.run_id) == 1
    message = capsys.readouterr().err
    assert "no alert was raised though fraud campaigns ran" in message
    assert "campaign_recall 0.00" in message
    assert "alert_precision was not measured" in message
    assert state(run)[0] == "missed"


def test_a_run_whose_truth_knows_no_fraud_misses(simulate, capsys) -> None:
    run = simulate()
    run.write_run()
    run.publish_events()
    run.write_alerts()
    run.publish_findings()
    assert account(run.run_id) == 0
    measure(run.run_id)
    assert verdict(run.run_id) == 1
    assert "no fraud is among the graded events" in capsys.readouterr().err


def test_speed_is_printed_beside_its_target_in_a_run_that_is_not_strict(graded, reports_dir, capsys) -> None:
    slow = {"events_per_minute": 900, "strict": False}
    run = graded(more={"params": slow}, level="normal")
    assert verdict(run.run_id) == 0
    rate = figures(run)["rate_deviation", "all"]
    assert (rate["threshold"], rate["gated"], rate["passed"]) == (0.02, False, None)
    capsys.readouterr()
    assert report(run.run_id) == 0
    page = (reports_dir / run.run_id / "report.html").read_text(encoding="utf-8")
    for text in (capsys.readouterr().out, page):
        assert "off target" in text
        assert "the run is not strict" in text
    strict = graded(more={"params": {**slow, "strict": True}}, level="normal")
    assert verdict(strict.run_id) == 1
    assert "rate_deviation" in state(strict)[1]


def test_run_that_failed_is_not_passed_by_its_figures(graded, capsys) -> None:
    run = graded()
    with psycopg.connect(run.superuser_dsn) as connection:
        finish_run(connection, run.run_id, RunState.FAILED, "scorer died")
    assert verdict(run.run_id) == 1
    assert state(run) == ("failed", "scorer died")
    assert "scorer died" in capsys.readouterr().err


def test_replay_is_gated_by_its_ranking(graded) -> None:
    run = graded(
        events=2_000,
        kind=RunKind.REPLAY,
        level=None,
        more={"params": {"file": "cards.parquet", "pack": "sparkov"}},
    )
    got = figures(run)
    ranking = got["average_precision", "all"]
    assert (ranking["threshold"], ranking["gated"], ranking["passed"]) == (0.6, True, True)
    assert not got["campaign_recall", "all"]["gated"]
    assert ("rate_deviation", "all") not in got
    # In event time: e-0, the first event of its campaign, raised the alert by itself.
    assert got["detection_time_p50", "all"]["value"] == 0


def test_report_says_it_all(graded, reports_dir: Path, capsys) -> None:
    run = graded(
        first_campaign_only,
        events=2_000,
        more={"params": {"events_per_minute": 600, "durations": {"generate": 200.0, "drain": 4.5}}},
    )
    capsys.readouterr()
    assert report(run.run_id) == 0
    out = capsys.readouterr().out
    directory = reports_dir / run.run_id
    page = (directory / "report.html").read_text(encoding="utf-8")
    told = json.loads((directory / "report.json").read_text(encoding="utf-8"))

    assert told["verdict"] == "missed"
    assert any("campaign_recall 0.01" in miss for miss in told["missed"])
    assert told["ledger"]["closed"] is True
    assert len(told["missed_campaigns"]) == 99
    assert [row["campaign_id"] for row in told["alerted_lookalikes"]] == ["c-1"]
    assert told["alerted_lookalikes"][0]["alerted_as"] == "account_takeover"
    assert sum(bucket["events"] for bucket in told["velocity"]["buckets"]) == 2_000
    assert sum(bucket["alerts"] for bucket in told["velocity"]["buckets"]) == 2
    assert told["phase_seconds"] == {"generate": 200.0, "drain": 4.5}
    command = "make load-test DOMAIN=payments LEVEL=mini MINUTES=3.33333 SEED=7 RATE=600"
    for text in (out, page):
        assert "MISSED" in text
        assert "campaign_recall 0.01, 0.79 under the limit" in text
        assert command in text
        assert "card_testing" in text or "card testing" in text
        assert "m-1" in text
        assert "3 min 20 s" in text
        for aside in ("ehind the watermark", "n quarantine", "ent again by the producer"):
            assert aside in text
    assert str(directory / "report.html") in out
    assert page.count("data:image/svg+xml;base64,") == 4
    for outside in ("http://", "https://", "<script", "<link"):
        assert outside not in page


@pytest.mark.parametrize(
    ("command", "first"), [(measure, "ledger.account"), (report, "ledger.account"), (verdict, "figures.measure")]
)
def test_each_command_names_the_one_before(simulate, capsys, command, first: str) -> None:
    run = simulate()
    run.write_run()
    assert run_command("", command, ["--run-id", run.run_id]) == 2
    assert f"patternalarm.grading.{first}" in capsys.readouterr().err


def test_postgresql_down_is_one_message(simulate, platform_settings, monkeypatch, capsys) -> None:
    down = platform_settings.model_copy(update={"postgres_port": 1, "patience_seconds": 1.0})
    monkeypatch.setattr("patternalarm.grading.verdict.verdict.get_settings", lambda: down)
    monkeypatch.setattr("patternalarm.grading.command_line.get_settings", lambda: down)
    monkeypatch.setattr("patternalarm.retrying.get_settings", lambda: down)
    assert run_command("", verdict, ["--run-id", "any"]) == 2
    assert "PostgreSQL at 127.0.0.1:1 cannot be used" in capsys.readouterr().err
