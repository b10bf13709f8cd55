"""What analysts work with: alerts' events in context, cases with versions, allow-lists, and indexes for their queue.

The rules of cases and allow-lists stand in triggers, so that they hold for whoever writes: a refusal has a SQLSTATE of its
own (``contracts.refusals``), says what is wrong, and gives the remedy as its hint.

Revision ID: 0006
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CONTEXT = """
ALTER TABLE alerting.alert_event
    ADD COLUMN fields jsonb,
    ADD COLUMN features jsonb;
COMMENT ON COLUMN alerting.alert_event.fields IS
    'the event''s fields by name, as far as the finding told them; null in rows older than the column';
COMMENT ON COLUMN alerting.alert_event.features IS
    'feature values by name, null = missing; null for a pattern, and for a score of another feature set';
"""

CASES = """
ALTER TABLE alerting.case_event
    ADD COLUMN version integer,
    ADD COLUMN action text,
    ADD COLUMN snoozed_until timestamptz;
UPDATE alerting.case_event e SET version = numbered.version, action = numbered.action
FROM (
    SELECT case_event_id, row_number() OVER (PARTITION BY alert_id ORDER BY case_event_id)::integer AS version,
        CASE WHEN disposition IS NOT NULL THEN 'disposition' WHEN assignee IS NOT NULL THEN 'assign' ELSE 'note' END AS action
    FROM alerting.case_event
) numbered
WHERE numbered.case_event_id = e.case_event_id;
ALTER TABLE alerting.case_event
    ALTER COLUMN version SET NOT NULL,
    ALTER COLUMN action SET NOT NULL,
    ADD CONSTRAINT case_event_version UNIQUE (alert_id, version),
    ADD CONSTRAINT case_event_action CHECK (action IN ('disposition', 'assign', 'note', 'snooze', 'reopen'));
COMMENT ON COLUMN alerting.case_event.version IS '1, 2, … of each alert: of two who write the same one, one is refused';
COMMENT ON COLUMN alerting.case_event.status IS 'after the action, as are assignee, disposition and snoozed_until';

CREATE TABLE alerting.case_state (
    alert_id text PRIMARY KEY REFERENCES alerting.alert,
    scope text NOT NULL,
    detected_at timestamptz NOT NULL,
    version integer NOT NULL,
    status text NOT NULL,
    assignee text,
    disposition text,
    snoozed_until timestamptz,
    updated_at timestamptz NOT NULL
);
COMMENT ON TABLE alerting.case_state IS 'where each case stands: the newest of its events, kept by a trigger';
COMMENT ON COLUMN alerting.case_state.detected_at IS 'of the alert, as is scope; neither of them ever changes';
INSERT INTO alerting.case_state
    (alert_id, scope, detected_at, version, status, assignee, disposition, snoozed_until, updated_at)
SELECT DISTINCT ON (e.alert_id) e.alert_id, a.scope, a.detected_at, e.version, e.status, e.assignee, e.disposition,
    e.snoozed_until, e.written_at
FROM alerting.case_event e JOIN alerting.alert a USING (alert_id) ORDER BY e.alert_id, e.version DESC;
-- Closed cases are old ones: by the alerts' own order the newest of them would come after all that are open.
CREATE INDEX case_state_status ON alerting.case_state (scope, status, detected_at, alert_id);
CREATE INDEX case_state_assignee ON alerting.case_state (scope, assignee, detected_at, alert_id);
CREATE INDEX case_state_snoozed ON alerting.case_state (snoozed_until) WHERE snoozed_until IS NOT NULL;
CREATE INDEX case_state_updated ON alerting.case_state (updated_at);
CREATE INDEX case_state_change ON alerting.case_state (scope, updated_at, alert_id);
"""

CASE_RULES = """
CREATE FUNCTION alerting.refuse(code text, what text, remedy text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = code, MESSAGE = what, HINT = remedy;
END $$;

CREATE FUNCTION alerting.keep_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM alerting.refuse('PA004', TG_TABLE_NAME || ' is append-only', 'write another row that says what is so now');
    RETURN NULL;
END $$;

CREATE FUNCTION alerting.follow_case() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    before alerting.case_state;
BEGIN
    SELECT * INTO before FROM alerting.case_state WHERE alert_id = NEW.alert_id;
    IF NEW.version <> coalesce(before.version, 0) + 1 THEN
        PERFORM alerting.refuse('PA001',
            format('the case is at version %s', coalesce(before.version, 0)),
            'read the case again and decide on what it says now');
    END IF;
    IF before.status = 'closed' AND NEW.action IN ('disposition', 'assign', 'snooze') THEN
        PERFORM alerting.refuse('PA002',
            format('the case is closed as %s', before.disposition), 'reopen it first, and say why');
    END IF;
    IF NEW.action = 'reopen' AND before.status IS DISTINCT FROM 'closed' THEN
        PERFORM alerting.refuse('PA002', 'the case is not closed', 'go on with it as it is');
    END IF;
    IF NEW.action = 'disposition' AND NEW.disposition IS NULL THEN
        PERFORM alerting.refuse('PA003', 'a disposition says what the alert was',
            'give confirmed_fraud, false_positive or inconclusive');
    END IF;
    IF NEW.action = 'snooze' AND (NEW.snoozed_until <= now() OR NEW.snoozed_until > now() + interval '90 days'
        OR NEW.snoozed_until IS NULL) THEN
        PERFORM alerting.refuse('PA003', 'a case sleeps until a time in the future, within 90 days',
            'give such a time, or close the case');
    END IF;
    IF NEW.action IN ('disposition', 'note') AND NEW.note IS NULL THEN
        PERFORM alerting.refuse('PA003', format('a %s says why', NEW.action), 'give a note');
    END IF;
    NEW.assignee := CASE WHEN NEW.action = 'assign' THEN NEW.assignee ELSE before.assignee END;
    NEW.disposition := CASE NEW.action WHEN 'disposition' THEN NEW.disposition WHEN 'reopen' THEN NULL
        ELSE before.disposition END;
    NEW.snoozed_until := CASE WHEN NEW.action = 'snooze' THEN NEW.snoozed_until
        WHEN NEW.action = 'note' THEN before.snoozed_until END;
    NEW.status := CASE
        WHEN NEW.disposition IS NOT NULL THEN 'closed'
        WHEN NEW.assignee IS NOT NULL THEN 'in_review'
        ELSE 'open' END;
    NEW.written_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE FUNCTION alerting.keep_case_state() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    INSERT INTO alerting.case_state
        (alert_id, scope, detected_at, version, status, assignee, disposition, snoozed_until, updated_at)
    SELECT NEW.alert_id, a.scope, a.detected_at, NEW.version, NEW.status, NEW.assignee, NEW.disposition, NEW.snoozed_until,
        NEW.written_at
    FROM alerting.alert a WHERE a.alert_id = NEW.alert_id
    ON CONFLICT (alert_id) DO UPDATE SET version = excluded.version, status = excluded.status,
        assignee = excluded.assignee, disposition = excluded.disposition, snoozed_until = excluded.snoozed_until,
        updated_at = excluded.updated_at;
    RETURN NULL;
END $$;

CREATE TRIGGER follow_case BEFORE INSERT ON alerting.case_event
    FOR EACH ROW EXECUTE FUNCTION alerting.follow_case();
CREATE TRIGGER keep_case_state AFTER INSERT ON alerting.case_event
    FOR EACH ROW EXECUTE FUNCTION alerting.keep_case_state();
CREATE TRIGGER keep_history BEFORE UPDATE OR DELETE OR TRUNCATE ON alerting.case_event
    FOR EACH STATEMENT EXECUTE FUNCTION alerting.keep_history();
"""

ALLOW_LISTS = """
CREATE TABLE alerting.allow_list_entry (
    allow_list_entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain text NOT NULL,
    subject_type text NOT NULL CHECK (subject_type IN ('actor', 'device', 'pair', 'ring')),
    subject_id text NOT NULL,
    fraud_type text,
    reason text NOT NULL,
    expires_at timestamptz NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX allow_list_entry_subject ON alerting.allow_list_entry (domain, subject_type, subject_id);
COMMENT ON COLUMN alerting.allow_list_entry.fraud_type IS 'null: every type';

CREATE TABLE alerting.allow_list_decision (
    allow_list_entry_id bigint NOT NULL REFERENCES alerting.allow_list_entry,
    decision text NOT NULL CHECK (decision IN ('approved', 'revoked')),
    note text,
    decided_by text NOT NULL,
    decided_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (allow_list_entry_id, decision)
);

CREATE VIEW alerting.allow_list AS
SELECT e.*, a.decided_by AS approved_by, a.decided_at AS approved_at, r.decided_by AS revoked_by,
    r.decided_at AS revoked_at, r.note AS revoked_note,
    CASE WHEN r.decided_at IS NOT NULL THEN 'revoked' WHEN e.expires_at <= clock_timestamp() THEN 'expired'
        WHEN a.decided_at IS NOT NULL THEN 'active' ELSE 'proposed' END AS state
FROM alerting.allow_list_entry e
LEFT JOIN alerting.allow_list_decision a ON a.allow_list_entry_id = e.allow_list_entry_id AND a.decision = 'approved'
LEFT JOIN alerting.allow_list_decision r ON r.allow_list_entry_id = e.allow_list_entry_id AND r.decision = 'revoked';
COMMENT ON VIEW alerting.allow_list IS 'entries with their decisions; only an active one suppresses alerts';

ALTER TABLE alerting.alert
    ADD COLUMN suppressed_by bigint REFERENCES alerting.allow_list_entry,
    ADD CONSTRAINT alert_suppressed_live CHECK (suppressed_by IS NULL OR scope = 'live');
COMMENT ON COLUMN alerting.alert.suppressed_by IS
    'entry of the allow-list that was active when the alert was raised; graded scopes have none';

CREATE FUNCTION alerting.check_allow_list_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.proposed_at := clock_timestamp();
    IF NEW.expires_at <= NEW.proposed_at OR NEW.expires_at > NEW.proposed_at + interval '366 days' THEN
        PERFORM alerting.refuse('PA003', 'an entry ends at a time in the future, within 366 days',
            'give such a time; propose it again when it has ended');
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION alerting.check_allow_list_decision() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' AS $$
DECLARE
    entry alerting.allow_list;
BEGIN
    -- Decisions on one entry come one after the other.
    PERFORM FROM alerting.allow_list_entry WHERE allow_list_entry_id = NEW.allow_list_entry_id FOR UPDATE;
    SELECT * INTO entry FROM alerting.allow_list WHERE allow_list_entry_id = NEW.allow_list_entry_id;
    IF entry.state = 'revoked' OR entry.state = 'expired' THEN
        PERFORM alerting.refuse('PA002', format('the entry is %s', entry.state), 'propose it anew');
    END IF;
    IF NEW.decision = 'approved' AND entry.state = 'active' THEN
        PERFORM alerting.refuse('PA002', format('the entry was approved by %s', entry.approved_by), 'there is nothing to do');
    END IF;
    IF NEW.decision = 'approved' AND NEW.decided_by = entry.proposed_by THEN
        PERFORM alerting.refuse('PA005', 'who proposed an entry does not approve it', 'ask a second person to approve it');
    END IF;
    NEW.decided_at := clock_timestamp();
    RETURN NEW;
END $$;

CREATE TRIGGER check_allow_list_entry BEFORE INSERT ON alerting.allow_list_entry
    FOR EACH ROW EXECUTE FUNCTION alerting.check_allow_list_entry();
CREATE TRIGGER check_allow_list_decision BEFORE INSERT ON alerting.allow_list_decision
    FOR EACH ROW EXECUTE FUNCTION alerting.check_allow_list_decision();
CREATE TRIGGER keep_history BEFORE UPDATE OR DELETE OR TRUNCATE ON alerting.allow_list_entry
    FOR EACH STATEMENT EXECUTE FUNCTION alerting.keep_history();
CREATE TRIGGER keep_history BEFORE UPDATE OR DELETE OR TRUNCATE ON alerting.allow_list_decision
    FOR EACH STATEMENT EXECUTE FUNCTION alerting.keep_history();
"""

# One index for each order of the queue, ending in the identity, so that a page is read from where the last one ended; and
# the same by fraud type, whose alerts may all lie at the far end of an order, as those of a type without money do. Severity
# and domain stand behind the identity, where they order nothing: what they leave out is not fetched from the table.
QUEUE = """
DROP INDEX alerting.alert_scope_detected;
DROP INDEX alerting.alert_subject;
CREATE INDEX alert_by_detection ON alerting.alert (scope, detected_at, alert_id, severity_rank, domain);
CREATE INDEX alert_by_severity ON alerting.alert (scope, severity_rank, detected_at, alert_id, domain);
CREATE INDEX alert_by_amount ON alerting.alert (scope, amount_at_risk, alert_id, severity_rank, domain);
CREATE INDEX alert_by_score ON alerting.alert (scope, coalesce(score, -1), alert_id, severity_rank, domain);
CREATE INDEX alert_by_type ON alerting.alert (scope, fraud_type, detected_at, alert_id);
CREATE INDEX alert_by_type_severity ON alerting.alert (scope, fraud_type, severity_rank, detected_at, alert_id);
CREATE INDEX alert_by_type_amount ON alerting.alert (scope, fraud_type, amount_at_risk, alert_id);
CREATE INDEX alert_by_type_score ON alerting.alert (scope, fraud_type, coalesce(score, -1), alert_id);
CREATE INDEX alert_by_subject ON alerting.alert (scope, subject_id, detected_at, alert_id);
CREATE INDEX alert_by_change ON alerting.alert (scope, updated_at, alert_id);
CREATE INDEX alert_suppressed ON alerting.alert (suppressed_by) WHERE suppressed_by IS NOT NULL;
"""

GRANTS = """
REVOKE INSERT ON alerting.case_event FROM patternalarm_platform;
GRANT SELECT ON alerting.case_state, alerting.allow_list_entry, alerting.allow_list_decision, alerting.allow_list
    TO patternalarm_platform, patternalarm_dbt;
GRANT SELECT ON alerting.allow_list TO patternalarm_scorer;

GRANT USAGE ON SCHEMA platform, alerting TO patternalarm_api;
GRANT SELECT ON alerting.alert, alerting.alert_event, alerting.consumer_offset, alerting.case_event, alerting.case_state,
    alerting.allow_list_entry, alerting.allow_list_decision, alerting.allow_list TO patternalarm_api;
GRANT SELECT (scope, stage, topic, "partition", "offset", reason, detail, quarantined_at)
    ON alerting.quarantined_record TO patternalarm_api;
GRANT SELECT ON platform.run, platform.lease, platform.model_version, platform.shard_ledger, platform.run_ledger,
    platform.run_velocity, platform.run_metric, platform.run_interruption TO patternalarm_api;
-- Column by column: status and times are the triggers' alone.
GRANT INSERT (alert_id, version, action, assignee, disposition, snoozed_until, note, written_by)
    ON alerting.case_event TO patternalarm_api;
GRANT INSERT (domain, subject_type, subject_id, fraud_type, reason, expires_at, proposed_by)
    ON alerting.allow_list_entry TO patternalarm_api;
GRANT INSERT (allow_list_entry_id, decision, note, decided_by) ON alerting.allow_list_decision TO patternalarm_api;
"""

DOWN = """
REVOKE ALL ON ALL TABLES IN SCHEMA platform, alerting FROM patternalarm_api;
REVOKE USAGE ON SCHEMA platform, alerting FROM patternalarm_api;
GRANT INSERT ON alerting.case_event TO patternalarm_platform;
DROP INDEX alerting.alert_by_detection, alerting.alert_by_severity, alerting.alert_by_amount, alerting.alert_by_score,
    alerting.alert_by_type, alerting.alert_by_type_severity, alerting.alert_by_type_amount, alerting.alert_by_type_score,
    alerting.alert_by_subject, alerting.alert_by_change, alerting.alert_suppressed;
CREATE INDEX alert_scope_detected ON alerting.alert (scope, detected_at DESC);
CREATE INDEX alert_subject ON alerting.alert (scope, domain, subject_type, subject_id, fraud_type);
ALTER TABLE alerting.alert DROP COLUMN suppressed_by CASCADE;
DROP VIEW alerting.allow_list CASCADE;
DROP TABLE alerting.allow_list_decision, alerting.allow_list_entry, alerting.case_state CASCADE;
DROP TRIGGER keep_history ON alerting.case_event;
DROP TRIGGER keep_case_state ON alerting.case_event;
DROP TRIGGER follow_case ON alerting.case_event;
DROP FUNCTION alerting.check_allow_list_decision, alerting.check_allow_list_entry, alerting.keep_case_state,
    alerting.follow_case, alerting.keep_history, alerting.refuse;
ALTER TABLE alerting.case_event DROP COLUMN version, DROP COLUMN action, DROP COLUMN snoozed_until;
ALTER TABLE alerting.alert_event DROP COLUMN fields, DROP COLUMN features;
"""


def upgrade() -> None:
    """Add columns, tables, rules, indexes and the API's rights."""
    for script in (CONTEXT, CASES, CASE_RULES, ALLOW_LISTS, QUEUE, GRANTS):
        op.execute(script)


def downgrade() -> None:
    """Drop them; dbt's marts that read them go too, until its next build."""
    op.execute(DOWN)
