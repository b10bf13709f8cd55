"""Events of alerts and of campaigns by actor and event id: two actors may use one event id.

Alert events that are there stay as they are, without an actor: to fill it in would write them anew, and with that lose
their commit times, which delays are measured by.

Revision ID: 0004
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE alerting.alert_event ADD COLUMN actor_id text NOT NULL DEFAULT '';
ALTER TABLE alerting.alert_event ALTER COLUMN actor_id DROP DEFAULT;
ALTER TABLE alerting.alert_event
    DROP CONSTRAINT alert_event_pkey,
    ADD PRIMARY KEY (alert_id, actor_id, event_id, source);
COMMENT ON COLUMN alerting.alert_event.actor_id IS 'who acted; empty in rows older than the column';

ALTER TABLE platform.ground_truth_event
    DROP CONSTRAINT ground_truth_event_pkey,
    ADD PRIMARY KEY (scope, actor_id, event_id, campaign_id);
"""

DOWN = """
ALTER TABLE platform.ground_truth_event
    DROP CONSTRAINT ground_truth_event_pkey,
    ADD PRIMARY KEY (scope, event_id, campaign_id);
ALTER TABLE alerting.alert_event
    DROP CONSTRAINT alert_event_pkey,
    ADD PRIMARY KEY (alert_id, event_id, source);
ALTER TABLE alerting.alert_event DROP COLUMN actor_id;
"""


def upgrade() -> None:
    """Take the actor into both keys."""
    op.execute(UP)


def downgrade() -> None:
    """Take it out again; refused where two actors use one event id."""
    op.execute(DOWN)
