"""Alerts by their last change, so that the history is built from what changed and not from all alerts there are.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.execute("CREATE INDEX alert_updated ON alerting.alert (updated_at)")


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP INDEX alerting.alert_updated")
