"""What interrupted a run, and when its detection paused.

Revision ID: 0005
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TABLE = """
CREATE TABLE platform.run_interruption (
    run_id text NOT NULL,
    component text NOT NULL,
    what text NOT NULL,
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    PRIMARY KEY (run_id, component, began_at)
);
COMMENT ON COLUMN platform.run_interruption.component IS 'an engine or process, or the stage of detection that paused';
COMMENT ON COLUMN platform.run_interruption.began_at IS 'when it was last seen well';
COMMENT ON COLUMN platform.run_interruption.ended_at IS 'when it was seen well again; null while it was not';
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.run_interruption TO patternalarm_platform;
GRANT SELECT ON platform.run_interruption TO patternalarm_dbt;
"""


def upgrade() -> None:
    """Add the table."""
    op.execute(TABLE)


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE platform.run_interruption")
