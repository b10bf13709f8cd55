"""One definition of an alert's delay: the dashboard's mart gives the figures of the report, on the same rows."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from patternalarm.contracts import tables
from patternalarm.contracts.alerts import EvidenceSource
from patternalarm.contracts.runs import RunKind
from patternalarm.grading.figures.metrics import percentile
from patternalarm.grading.graded_run import load_graded_run
from patternalarm.grading.run_store import connect
from patternalarm.settings import REPOSITORY

MARTS = ["+mart_delays"]


def build(run, directory: Path) -> None:
    """Build the marts of the test's database as a run does."""
    settings = run.settings
    environment = {
        **os.environ,
        "PATTERNALARM_POSTGRES_ADDRESS": str(settings.address("postgres")),
        "PATTERNALARM_DATABASE": settings.database,
        "PATTERNALARM_DBT_PASSWORD": settings.dbt_password,
    }
    project = REPOSITORY / "dbt"
    done = subprocess.run(
        [
            *(REPOSITORY / ".venvs/dbt/bin/dbt", "run", "--select", *MARTS, "--project-dir", project),
            *("--profiles-dir", project, "--target-path", directory / "target", "--log-path", directory / "logs"),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def insert(connection: psycopg.Connection, alert_id: str, source: str, rows: list[tuple[str, int]]) -> None:
    """Alert events as the writer inserts them: one transaction, each with the clock of its own moment."""
    with connection.transaction():
        for event_id, event_time_ms in rows:
            connection.execute(
                f"INSERT INTO {tables.ALERT_EVENT} (alert_id, actor_id, event_id, source, event_time, committed_at)"
                " VALUES (%s, 'who', %s, %s, to_timestamp(%s / 1000.0), clock_timestamp())",
                (alert_id, event_id, source, event_time_ms),
            )


@pytest.mark.parametrize(("kind", "level"), [(RunKind.LOAD_TEST, "mini"), (RunKind.REPLAY, None)])
def test_the_dashboard_gives_the_figures_of_the_report(simulate, tmp_path, kind: RunKind, level: str | None) -> None:
    run = simulate(events=200, kind=kind, level=level)
    run.write_run()
    run.publish_events()
    times = {event["event_id"]: event["event_time_ms"] for event in run.sent}
    # A pattern of ten seconds is complete with its last event, however long before its first one happened.
    for number in range(0, 100, 20):
        run.write_alert([f"e-{number + i}" for i in range(0, 100, 10)], subject=f"device-{number}", source="pattern")
    by_score = [run.write_alert([f"e-{number}"], subject=f"actor-{number}") for number in range(0, 150, 10)]
    # History, and what a pattern says of an alert that a score raised.
    run.write_alert(["h-1", "h-2"], subject="device-h", source="pattern")
    with psycopg.connect(run.superuser_dsn, autocommit=True) as connection:
        for alert_id, number in zip(by_score[:4], range(0, 40, 10), strict=True):
            insert(
                connection, alert_id, "pattern", [(f"e-{n}", times[f"e-{n}"]) for n in range(number, number + 50, 7)]
            )
            insert(connection, alert_id, "score", [(f"e-{n}", times[f"e-{n}"]) for n in (number + 3, number + 1)])
    build(run, tmp_path)

    with connect(run.settings) as connection:
        connection.execute(
            f"INSERT INTO {tables.RUN_LEDGER} (run_id, generated, acknowledged, offset_span, featurised, dead_lettered,"
            " to_score, scored, lost, duplicated, altered, overlapping, redelivered, closed, problems, accounted_at)"
            " VALUES (%s, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, true, '[]', now())",
            (run.run_id,),
        )
        graded = load_graded_run(connection, run.run_id)
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute("SELECT * FROM marts.mart_delays WHERE scope = %s", (run.run_id,)).fetchall()
    told = {row["source"]: row for row in rows}
    for source in EvidenceSource:
        delays = graded.delays_ms(source)
        assert len(delays) == told[source]["alerts"], source
        for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99), ("max_ms", 1.0)):
            assert told[source][name] == pytest.approx(percentile(delays, share), abs=0.01), (source, name)
    assert told["score"]["alerts"] == 15
