"""Runs, ground truth, ledgers, metrics, models; alerts with their events, offsets and cases.

Revision ID: 0001
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PLATFORM = """
CREATE SCHEMA platform;

CREATE TABLE platform.model_version (
    domain text NOT NULL,
    version text NOT NULL,
    scope text NOT NULL,
    path text NOT NULL,
    feature_set text NOT NULL,
    pack_version text NOT NULL,
    metrics jsonb NOT NULL,
    thresholds jsonb NOT NULL,
    trained_at timestamptz NOT NULL,
    promoted_at timestamptz,
    PRIMARY KEY (domain, version)
);
COMMENT ON COLUMN platform.model_version.scope IS 'live, or the run that trained the model for itself alone (a replay)';

CREATE TABLE platform.run (
    run_id text PRIMARY KEY,
    kind text NOT NULL,
    domain text NOT NULL,
    level text,
    seed bigint,
    minutes double precision,
    dag_id text NOT NULL,
    airflow_run_id text NOT NULL,
    dag_version text,
    pack_version text NOT NULL,
    feature_set text NOT NULL,
    pattern_set text NOT NULL,
    model_version text,
    params jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'passed', 'missed', 'failed')),
    reason text,
    requested_at timestamptz NOT NULL,
    measured_from timestamptz,
    measured_until timestamptz,
    ended_at timestamptz
);
COMMENT ON COLUMN platform.run.measured_from IS 'events from here on are scored and graded; earlier ones are history';

CREATE TABLE platform.lease (
    run_id text PRIMARY KEY REFERENCES platform.run,
    acquired_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    released_at timestamptz
);

CREATE TABLE platform.ground_truth_campaign (
    scope text NOT NULL,
    campaign_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('fraud', 'lookalike')),
    fraud_type text NOT NULL,
    events integer NOT NULL,
    first_event_time timestamptz NOT NULL,
    last_event_time timestamptz NOT NULL,
    amount numeric(18, 4),
    PRIMARY KEY (scope, campaign_id)
);
COMMENT ON COLUMN platform.ground_truth_campaign.fraud_type IS 'of a look-alike, the type that it resembles';

CREATE TABLE platform.ground_truth_event (
    scope text NOT NULL,
    event_id text NOT NULL,
    campaign_id text NOT NULL,
    actor_id text NOT NULL,
    event_time timestamptz NOT NULL,
    label_time timestamptz NOT NULL,
    PRIMARY KEY (scope, event_id, campaign_id)
);

CREATE TABLE platform.shard_ledger (
    run_id text NOT NULL,
    phase text NOT NULL CHECK (phase IN ('history', 'measured')),
    shard integer NOT NULL,
    generated bigint NOT NULL,
    acknowledged bigint NOT NULL,
    crc_sum numeric(30) NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    late_p99_ms double precision,
    PRIMARY KEY (run_id, phase, shard)
);
COMMENT ON COLUMN platform.shard_ledger.crc_sum IS 'sum of the CRC-32 of every acknowledged record';
COMMENT ON COLUMN platform.shard_ledger.late_p99_ms IS 'p99 of handed to Kafka minus scheduled; null when not paced';

CREATE TABLE platform.run_ledger (
    run_id text PRIMARY KEY,
    generated bigint NOT NULL,
    acknowledged bigint NOT NULL,
    offset_span bigint NOT NULL,
    featurised bigint NOT NULL,
    dead_lettered bigint NOT NULL,
    to_score bigint NOT NULL,
    scored bigint NOT NULL,
    lost bigint NOT NULL,
    duplicated bigint NOT NULL,
    altered bigint NOT NULL,
    overlapping bigint NOT NULL,
    redelivered bigint NOT NULL,
    closed boolean NOT NULL,
    problems jsonb NOT NULL,
    accounted_at timestamptz NOT NULL
);

CREATE TABLE platform.run_velocity (
    run_id text NOT NULL,
    domain text NOT NULL,
    bucket_start timestamptz NOT NULL,
    events bigint NOT NULL,
    PRIMARY KEY (run_id, domain, bucket_start)
);
COMMENT ON TABLE platform.run_velocity IS 'events generated per scheduled ten seconds, for velocity charts';

CREATE TABLE platform.run_metric (
    run_id text NOT NULL,
    metric text NOT NULL,
    fraud_type text NOT NULL,
    unit text NOT NULL,
    value double precision,
    numerator bigint,
    denominator bigint,
    ci_low double precision,
    ci_high double precision,
    threshold double precision,
    gated boolean NOT NULL DEFAULT false,
    passed boolean,
    PRIMARY KEY (run_id, metric, fraud_type)
);
COMMENT ON COLUMN platform.run_metric.fraud_type IS 'a fraud type, or all';
"""

ALERTING = """
CREATE SCHEMA alerting;

CREATE TABLE alerting.alert (
    alert_id text PRIMARY KEY,
    scope text NOT NULL,
    domain text NOT NULL,
    subject_type text NOT NULL,
    subject_id text NOT NULL,
    fraud_type text NOT NULL,
    episode bigint NOT NULL,
    severity text NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
    severity_rank smallint NOT NULL,
    score double precision,
    reasons jsonb NOT NULL,
    first_event_time timestamptz NOT NULL,
    last_event_time timestamptz NOT NULL,
    trigger_event_time timestamptz NOT NULL,
    trigger_sent_at timestamptz,
    first_source text NOT NULL CHECK (first_source IN ('score', 'pattern')),
    detected_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    event_count integer NOT NULL,
    amount_at_risk numeric(18, 4) NOT NULL,
    currency text,
    model_version text,
    pattern_version text,
    pack_version text NOT NULL,
    related_alert_id text
);
CREATE INDEX alert_scope_detected ON alerting.alert (scope, detected_at DESC);
CREATE INDEX alert_subject ON alerting.alert (scope, domain, subject_type, subject_id, fraud_type);
COMMENT ON COLUMN alerting.alert.detected_at IS 'commit time of the transaction that first made the alert visible';
COMMENT ON COLUMN alerting.alert.trigger_event_time IS 'event time of the event that raised the alert first';
COMMENT ON COLUMN alerting.alert.reasons IS 'array of {code, text, contribution}, strongest first';

CREATE TABLE alerting.alert_event (
    alert_id text NOT NULL REFERENCES alerting.alert,
    event_id text NOT NULL,
    source text NOT NULL CHECK (source IN ('score', 'pattern')),
    event_time timestamptz NOT NULL,
    amount numeric(18, 4),
    score double precision,
    detail text,
    committed_at timestamptz NOT NULL,
    PRIMARY KEY (alert_id, event_id, source)
);
CREATE INDEX alert_event_event ON alerting.alert_event (event_id);
COMMENT ON COLUMN alerting.alert_event.detail IS 'pattern name for source pattern, model version for source score';

CREATE TABLE alerting.consumer_offset (
    scope text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (topic, partition)
);

CREATE TABLE alerting.case_event (
    case_event_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    alert_id text NOT NULL REFERENCES alerting.alert,
    status text NOT NULL CHECK (status IN ('open', 'in_review', 'closed')),
    assignee text,
    disposition text CHECK (disposition IN ('confirmed_fraud', 'false_positive', 'inconclusive')),
    note text,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now()
);
"""

GRANTS = """
GRANT USAGE ON SCHEMA platform TO patternalarm_platform, patternalarm_scorer, patternalarm_dbt;
GRANT USAGE ON SCHEMA alerting TO patternalarm_platform, patternalarm_scorer, patternalarm_dbt;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA platform TO patternalarm_platform;
GRANT SELECT, INSERT, UPDATE ON alerting.alert, alerting.consumer_offset TO patternalarm_scorer;
GRANT SELECT, INSERT ON alerting.alert_event TO patternalarm_scorer;
GRANT SELECT ON ALL TABLES IN SCHEMA alerting TO patternalarm_platform, patternalarm_dbt;
GRANT DELETE ON alerting.consumer_offset TO patternalarm_platform;
GRANT INSERT ON alerting.case_event TO patternalarm_platform;
GRANT SELECT ON ALL TABLES IN SCHEMA platform TO patternalarm_dbt;
CREATE SCHEMA staging AUTHORIZATION patternalarm_dbt;
CREATE SCHEMA intermediate AUTHORIZATION patternalarm_dbt;
CREATE SCHEMA marts AUTHORIZATION patternalarm_dbt;
GRANT USAGE ON SCHEMA marts TO patternalarm_reader, patternalarm_platform;
ALTER DEFAULT PRIVILEGES FOR ROLE patternalarm_dbt IN SCHEMA marts
    GRANT SELECT ON TABLES TO patternalarm_reader, patternalarm_platform;
"""


def upgrade() -> None:
    """Create both schemas and the rights of every role; the roles themselves come with the database."""
    for script in (PLATFORM, ALERTING, GRANTS):
        op.execute(script)


def downgrade() -> None:
    """Drop all of it."""
    for schema in ("marts", "intermediate", "staging", "alerting", "platform"):
        op.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
