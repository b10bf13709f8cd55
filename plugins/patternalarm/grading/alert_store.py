"""Ground truth and alerts of a scope in PostgreSQL, as the grading reads them."""

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import psycopg

from patternalarm.contracts import tables
from patternalarm.contracts.alerts import EvidenceSource
from patternalarm.grading.errors import GradingError
from patternalarm.grading.figures.detection import (
    ALERT_COLUMNS,
    ALERT_EVENT_COLUMNS,
    CAMPAIGN_COLUMNS,
    TRUTH_EVENT_COLUMNS,
    Alerts,
    Truth,
)
from patternalarm.grading.ledger.ledger import MAX_EXAMPLES, Finding, Quarantined, Repeated, identity_of
from patternalarm.grading.run_store import Connection

_TYPES: Final = {
    "events": "int64",
    "first_event_ms": "float64",
    "amount": "float64",
    "trigger_event_ms": "float64",
    "trigger_sent_ms": "float64",
    "detected_ms": "float64",
    "event_ms": "float64",
    "committed_ms": "float64",
}

_ALERT_IDENTITY: Final = "scope, domain, subject_type, subject_id, fraud_type, episode"
_EVENT_IDENTITY: Final = "actor_id, event_id, source"


def load_truth(connection: Connection, scope: str) -> Truth:
    """Ground truth of a scope; empty frames when it has none."""
    campaigns = connection.execute(
        f"SELECT campaign_id, kind, fraud_type, events, {_ms('first_event_time')}, amount"
        f" FROM {tables.GROUND_TRUTH_CAMPAIGN} WHERE scope = %s ORDER BY campaign_id",
        (scope,),
    ).fetchall()
    events = connection.execute(
        f"SELECT actor_id, event_id, campaign_id FROM {tables.GROUND_TRUTH_EVENT} WHERE scope = %s",
        (scope,),
    ).fetchall()
    return Truth(_frame(campaigns, CAMPAIGN_COLUMNS), _frame(events, TRUTH_EVENT_COLUMNS))


def load_alerts(connection: Connection, scope: str, measured_from_ms: int | None) -> Alerts:
    """Alerts of a scope with a measured event, with the commit time of every measured alert event.

    Raises:
        GradingError: PostgreSQL keeps no commit timestamps, or not those of these rows.
    """
    try:
        events = connection.execute(
            "SELECT alert_id, e.actor_id, e.event_id, e.source,"
            f" {_ms('e.event_time')}, {_ms('pg_xact_commit_timestamp(e.xmin)')}"
            f" FROM {tables.ALERT_EVENT} e JOIN {tables.ALERT} a USING (alert_id)"
            " WHERE a.scope = %s AND (%s::bigint IS NULL OR e.event_time >= to_timestamp(%s / 1000.0))",
            (scope, measured_from_ms, measured_from_ms),
        ).fetchall()
    except psycopg.errors.ObjectNotInPrerequisiteState as error:
        raise GradingError(
            "PostgreSQL keeps no commit timestamps, from which delays are measured: "
            "set track_commit_timestamp = on, restart it and run again"
        ) from error
    if any(row[5] is None for row in events):
        raise GradingError(
            f"PostgreSQL no longer knows when alert events of {scope} were committed: they were restored from a dump, "
            "or written before track_commit_timestamp was on"
        )
    alerts = connection.execute(
        f"SELECT alert_id, fraud_type, first_source, {_ms('trigger_event_time')},"
        f" {_ms('trigger_sent_at')}, {_ms('detected_at')}"
        f" FROM {tables.ALERT} WHERE scope = %s AND alert_id = ANY(%s)",
        (scope, list({row[0] for row in events})),
    ).fetchall()
    return Alerts(_frame(alerts, ALERT_COLUMNS), _frame(events, ALERT_EVENT_COLUMNS))


def alerted_findings(connection: Connection, scope: str) -> dict[EvidenceSource, frozenset[Finding]]:
    """What the scope's alerts hold, by source."""
    rows = connection.execute(
        f"SELECT e.source, a.fraud_type, a.subject_type, a.subject_id, e.actor_id, e.event_id"
        f" FROM {tables.ALERT_EVENT} e JOIN {tables.ALERT} a USING (alert_id) WHERE a.scope = %s",
        (scope,),
    ).fetchall()
    return {source: frozenset(Finding(*row[1:]) for row in rows if row[0] == source) for source in EvidenceSource}


def load_quarantined(connection: Connection, scope: str, events_topic: str) -> list[Quarantined]:
    """Records of the scope that a stage put into quarantine, in the order of their coordinates."""
    rows = connection.execute(
        'SELECT stage, topic, "partition", "offset", source_topic, source_partition, source_offset'
        f' FROM {tables.QUARANTINED_RECORD} WHERE scope = %s ORDER BY topic, "partition", "offset", stage',
        (scope,),
    ).fetchall()
    return [
        Quarantined(
            stage,
            topic,
            partition,
            offset,
            identity_of(*source) if name == events_topic and None not in source else None,
        )
        for stage, topic, partition, offset, name, *source in rows
    ]


def repeated_rows(connection: Connection, scope: str) -> list[Repeated]:
    """Alerts, and alert events, of a scope that are more than their distinct identities.

    The tables' keys cannot repeat; one subject's episode can under two alert ids, if an id were ever made otherwise.
    """
    alerts = connection.execute(
        f"SELECT {_ALERT_IDENTITY}, count(*), array_agg(alert_id ORDER BY alert_id)"
        f" FROM {tables.ALERT} WHERE scope = %s GROUP BY {_ALERT_IDENTITY} HAVING count(*) > 1 ORDER BY 7 DESC, 8",
        (scope,),
    ).fetchall()
    events = connection.execute(
        f"SELECT {_ALERT_IDENTITY}, {_EVENT_IDENTITY}, count(*), array_agg(a.alert_id ORDER BY a.alert_id)"
        f" FROM {tables.ALERT} a JOIN {tables.ALERT_EVENT} e USING (alert_id) WHERE scope = %s"
        f" GROUP BY {_ALERT_IDENTITY}, {_EVENT_IDENTITY} HAVING count(*) > 1 ORDER BY 10 DESC, 11",
        (scope,),
    ).fetchall()
    return [
        Repeated(tables.ALERT, sum(row[6] - 1 for row in alerts), [_example(row, ()) for row in alerts[:MAX_EXAMPLES]]),
        Repeated(
            tables.ALERT_EVENT,
            sum(row[9] - 1 for row in events),
            [_example(row, tuple(_EVENT_IDENTITY.split(", "))) for row in events[:MAX_EXAMPLES]],
        ),
    ]


def _example(row: tuple[Any, ...], further: tuple[str, ...]) -> dict[str, Any]:
    names = (*_ALERT_IDENTITY.split(", "), *further)
    return {**dict(zip(names, row, strict=False)), "alert_ids": row[-1]}


def _ms(expression: str) -> str:
    return f"(extract(epoch FROM {expression}) * 1000)::double precision"


def _frame(rows: Sequence[tuple[Any, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=list(columns))
    return frame.astype({name: _TYPES.get(name, "object") for name in columns})
