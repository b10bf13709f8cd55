"""Records that a stage could not take; money that moved told apart from money that was tried; sums that cannot overflow.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# PostgreSQL refuses to change a column's type under a view. dbt's live marts are views, which its next build makes anew.
DROP_MARTS = """
DO $$
DECLARE
    view_name text;
BEGIN
    FOR view_name IN
        SELECT DISTINCT r.ev_class::regclass::text
        FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
          AND d.refobjid IN ('alerting.alert'::regclass, 'platform.ground_truth_campaign'::regclass)
    LOOP
        EXECUTE 'DROP VIEW IF EXISTS ' || view_name || ' CASCADE';
    END LOOP;
END $$;
-- Its columns change too; the next build makes it anew from all alerts.
DROP TABLE IF EXISTS marts.mart_alert_daily;
"""

MONEY = """
ALTER TABLE alerting.alert
    ALTER COLUMN amount_at_risk TYPE numeric(38, 4),
    ADD COLUMN amount_tried numeric(38, 4) NOT NULL DEFAULT 0,
    ADD COLUMN base_severity_rank smallint NOT NULL DEFAULT 0;
UPDATE alerting.alert SET base_severity_rank = severity_rank;
COMMENT ON COLUMN alerting.alert.amount_at_risk IS 'sum of the amounts that its events moved out, in currency';
COMMENT ON COLUMN alerting.alert.amount_tried IS 'sum of the amounts that were tried and refused, in currency';
COMMENT ON COLUMN alerting.alert.currency IS 'base currency of the domain pack';
COMMENT ON COLUMN alerting.alert.base_severity_rank IS 'severity_rank without the step for much money at risk';

ALTER TABLE alerting.alert_event ADD COLUMN money_out boolean;
COMMENT ON COLUMN alerting.alert_event.money_out IS 'true: moved its amount out; false: tried and refused; null: neither';

ALTER TABLE platform.ground_truth_campaign ALTER COLUMN amount TYPE numeric(38, 4);
"""

QUARANTINE = """
CREATE TABLE alerting.quarantined_record (
    scope text NOT NULL,
    stage text NOT NULL,
    topic text NOT NULL,
    "partition" integer NOT NULL,
    "offset" bigint NOT NULL,
    source_topic text,
    source_partition integer,
    source_offset bigint,
    reason text NOT NULL,
    detail text NOT NULL,
    raw bytea,
    quarantined_at timestamptz NOT NULL,
    PRIMARY KEY (topic, "partition", "offset", stage)
);
CREATE INDEX quarantined_record_scope ON alerting.quarantined_record (scope);
COMMENT ON TABLE alerting.quarantined_record IS 'records that a stage could not take and went on without';
COMMENT ON COLUMN alerting.quarantined_record.source_topic IS 'coordinates of the event it was made from, if it tells';
GRANT INSERT ON alerting.quarantined_record TO patternalarm_scorer;
GRANT SELECT ON alerting.quarantined_record TO patternalarm_platform, patternalarm_dbt;
"""

DOWN = """
DROP TABLE alerting.quarantined_record;
ALTER TABLE alerting.alert_event DROP COLUMN money_out;
ALTER TABLE alerting.alert DROP COLUMN amount_tried, DROP COLUMN base_severity_rank;
"""


def upgrade() -> None:
    """Add the columns and the table; drop dbt's marts over the tables whose columns change."""
    for script in (DROP_MARTS, MONEY, QUARANTINE):
        op.execute(script)


def downgrade() -> None:
    """Drop them; the wider columns stay wide."""
    op.execute(DROP_MARTS)
    op.execute(DOWN)
