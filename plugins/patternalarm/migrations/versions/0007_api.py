"""What the API writes about its callers: keys, requested runs, unmaskings; and what it may read of the platform.

Revision ID: 0007
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE platform.api_key (
    key_id text PRIMARY KEY,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('viewer', 'analyst', 'engineer', 'ingest')),
    digest bytea NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);
COMMENT ON COLUMN platform.api_key.digest IS 'SHA-256 of the key, which itself is nowhere kept';

CREATE TABLE platform.run_request (
    run_id text PRIMARY KEY,
    domain text NOT NULL,
    dag_id text NOT NULL,
    airflow_run_id text NOT NULL UNIQUE,
    params jsonb NOT NULL,
    requested_by text NOT NULL,
    requested_at timestamptz NOT NULL,
    idempotency_key text,
    stopped_by text,
    stopped_at timestamptz,
    UNIQUE (requested_by, idempotency_key)
);
COMMENT ON TABLE platform.run_request IS 'runs that the API was asked for, from before Airflow knows them';

CREATE TABLE platform.unmasking (
    unmasking_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL,
    reason text NOT NULL,
    unmasked_by text NOT NULL,
    unmasked_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE platform.unmasking IS 'who saw which personal fields in the clear, and why';

GRANT USAGE ON SCHEMA platform TO patternalarm_api;
GRANT SELECT ON platform.run, platform.run_metric, platform.run_ledger, platform.run_interruption, platform.model_version
    TO patternalarm_api;
GRANT SELECT, INSERT, UPDATE (revoked_at) ON platform.api_key TO patternalarm_api;
GRANT SELECT, INSERT, DELETE, UPDATE (stopped_by, stopped_at) ON platform.run_request TO patternalarm_api;
GRANT SELECT, INSERT ON platform.unmasking TO patternalarm_api;
GRANT SELECT ON platform.run_request TO patternalarm_platform;
"""

DOWN = """
DROP TABLE platform.unmasking;
DROP TABLE platform.run_request;
DROP TABLE platform.api_key;
"""


def upgrade() -> None:
    """Create the tables, and give the API its rights."""
    op.execute(UP)


def downgrade() -> None:
    """Drop them."""
    op.execute(DOWN)
