import sys
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from migrated_database import migrated_database

from patternalarm.contracts.tables import ALERT, ALERT_EVENT, DBT_ROLE, PLATFORM_ROLE, QUARANTINED_RECORD, SCORER_ROLE
from patternalarm.migrations import upgrade as upgrading
from patternalarm.settings import get_settings


@pytest.mark.parametrize(
    ("changes", "arguments", "named"),
    [
        ({"postgres_port": 1, "patience_seconds": 0}, [], "at 127.0.0.1:1"),
        ({"database": "test_no_such_database"}, [], "cannot upgrade database test_no_such_database"),
    ],
)
def test_a_database_that_cannot_be_reached_is_named(monkeypatch, capsys, changes, arguments, named):
    settings = get_settings().model_copy(update={"owner_password": "test", **changes})
    monkeypatch.setattr(upgrading, "get_settings", lambda: settings)
    assert upgrading.main(arguments) == 2
    refusal = capsys.readouterr().err
    assert named in refusal
    assert "make up" in refusal


@pytest.fixture
def settings_at_first_revision():
    """Settings of a database that an earlier release made, with an alert in it and dbt's marts over it."""
    with migrated_database("upgrade", revision="0001") as own:
        with psycopg.connect(own.dsn(SCORER_ROLE, own.scorer_password)) as scorer:
            scorer.execute(
                f"INSERT INTO {ALERT} (alert_id, scope, domain, subject_type, subject_id, fraud_type, episode, severity,"
                " severity_rank, reasons, first_event_time, last_event_time, trigger_event_time, first_source,"
                " detected_at, updated_at, event_count, amount_at_risk, pack_version) VALUES ('a', 'live', 'toll',"
                " 'actor', 'car-1', 'gate_run', 1, 'high', 2, '[]', now(), now(), now(), 'score', now(), now(), 1, 7, '1')"
            )
            scorer.execute(
                f"INSERT INTO {ALERT_EVENT} (alert_id, event_id, source, event_time, committed_at)"
                " VALUES ('a', 'e', 'score', now(), now())"
            )
        with psycopg.connect(own.dsn(DBT_ROLE, own.dbt_password)) as dbt:
            dbt.execute(f"CREATE VIEW staging.stg_alerts AS SELECT alert_id, amount_at_risk FROM {ALERT}")
            dbt.execute("CREATE VIEW marts.mart_alerts AS SELECT * FROM staging.stg_alerts")
            dbt.execute("CREATE VIEW marts.mart_else AS SELECT 1 AS one")
            dbt.execute("CREATE TABLE marts.mart_alert_daily AS SELECT amount_at_risk FROM staging.stg_alerts")
        yield own


def test_a_database_with_dbt_s_views_over_the_alerts_is_upgraded(settings_at_first_revision):
    own = settings_at_first_revision
    committed = f"SELECT pg_xact_commit_timestamp(xmin) FROM {ALERT_EVENT}"
    with psycopg.connect(own.dsn(PLATFORM_ROLE, own.platform_password)) as platform:
        before = platform.execute(committed).fetchall()
    upgrading.upgrade(own)
    with psycopg.connect(own.dsn(PLATFORM_ROLE, own.platform_password)) as platform:
        assert platform.execute(
            f"SELECT amount_at_risk, amount_tried, severity_rank, base_severity_rank FROM {ALERT}"
        ).fetchall() == [(7, 0, 2, 2)]
        # Delays are measured by when a row was committed, so it must still be that very row.
        assert platform.execute(committed).fetchall() == before
        assert platform.execute(f"SELECT actor_id FROM {ALERT_EVENT}").fetchall() == [("",)]
        assert platform.execute(f"SELECT count(*) FROM {QUARANTINED_RECORD}").fetchone() == (0,)
    with psycopg.connect(own.dsn(DBT_ROLE, own.dbt_password)) as dbt:
        left = dbt.execute("SELECT relname FROM pg_class WHERE relname LIKE 'mart%' OR relname LIKE 'stg%'").fetchall()
    assert left == [("mart_else",)]
