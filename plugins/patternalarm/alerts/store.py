"""Alerts in PostgreSQL: a batch and the Kafka offsets it came from, in one transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from patternalarm.alerts.batch import AlertDraft, AlertEvent, Batch
from patternalarm.contracts.alerts import SEVERITY_RANK
from patternalarm.contracts.tables import ALERT, ALERT_EVENT, CONSUMER_OFFSET

# A topic and one of its partitions.
Partition = tuple[str, int]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class AnotherWriterError(RuntimeError):
    """Somebody else moved the offsets: two writers of one domain and scope are running."""


@dataclass(frozen=True)
class Advance:
    """A partition's offset before and after a batch."""

    topic: str
    partition: int
    expected: int
    next_offset: int


@dataclass(frozen=True)
class Written:
    """What a transaction changed; redelivered findings change nothing."""

    created: int
    updated: int


# The rows come as JSON parameters and not through COPY into temporary tables: emptying those at every commit throws
# the prepared plan away, which costs four times the CPU at the few rows that a live batch has.
_INCOMING_ALERT: Final = """
SELECT * FROM jsonb_to_recordset(%(alerts)s) AS i (
  alert_id text, previous_alert_id text, subject_type text, subject_id text, fraud_type text, episode bigint,
  severity text, severity_rank smallint, score double precision, reasons jsonb, trigger_event_time timestamptz,
  trigger_sent_at timestamptz, first_source text, currency text, model_version text, pattern_version text
)
"""
_INCOMING_EVENT: Final = """
SELECT * FROM jsonb_to_recordset(%(events)s) AS i (
  alert_id text, event_id text, source text, event_time timestamptz, amount numeric(18, 4), score double precision,
  detail text
)
"""

# With a lock, so that a commit of our own whose answer was lost has come to its end, one way or the other.
_READ_OFFSETS: Final = f"SELECT topic, partition, next_offset FROM {CONSUMER_OFFSET} WHERE topic = ANY(%s) FOR UPDATE"

_START_OFFSET: Final = f"""
INSERT INTO {CONSUMER_OFFSET} (scope, topic, partition, next_offset, updated_at)
VALUES (%s, %s, %s, %s, clock_timestamp()) ON CONFLICT (topic, partition) DO NOTHING
"""

_ADVANCE: Final = f"""
UPDATE {CONSUMER_OFFSET} SET next_offset = %s, updated_at = clock_timestamp()
WHERE topic = %s AND partition = %s AND next_offset = %s
"""

# An alert is written only if one of its events is new, so a redelivered batch leaves no trace. What is derived counts
# an event once, though both sources may hold it; the new rows come from RETURNING because a statement's own inserts
# are invisible to its snapshot.
_UPSERT: Final = f"""
WITH incoming_alert AS MATERIALIZED ({_INCOMING_ALERT}),
incoming_event AS MATERIALIZED ({_INCOMING_EVENT}),
new_event AS (
  INSERT INTO {ALERT_EVENT} (alert_id, event_id, source, event_time, amount, score, detail, committed_at)
  SELECT alert_id, event_id, source, event_time, amount, score, detail, clock_timestamp() FROM incoming_event
  ON CONFLICT (alert_id, event_id, source) DO NOTHING
  RETURNING alert_id, event_id, event_time, amount
),
touched AS (SELECT DISTINCT alert_id FROM new_event),
known_event AS (
  SELECT alert_id, event_id, event_time, amount FROM new_event
  UNION ALL
  SELECT old.alert_id, old.event_id, old.event_time, old.amount
  FROM touched CROSS JOIN LATERAL (SELECT * FROM {ALERT_EVENT} e WHERE e.alert_id = touched.alert_id OFFSET 0) old
),
single_event AS (
  SELECT alert_id, event_id, min(event_time) AS event_time, max(amount) AS amount
  FROM known_event GROUP BY alert_id, event_id
),
derived AS (
  SELECT alert_id, count(*) AS event_count, coalesce(sum(amount), 0) AS amount_at_risk,
    min(event_time) AS first_event_time, max(event_time) AS last_event_time
  FROM single_event GROUP BY alert_id
)
INSERT INTO {ALERT} AS a (
  alert_id, scope, domain, subject_type, subject_id, fraud_type, episode, severity, severity_rank, score, reasons,
  first_event_time, last_event_time, trigger_event_time, trigger_sent_at, first_source, detected_at, updated_at,
  event_count, amount_at_risk, currency, model_version, pattern_version, pack_version, related_alert_id
)
SELECT
  i.alert_id, %(scope)s, %(domain)s, i.subject_type, i.subject_id, i.fraud_type, i.episode, i.severity,
  i.severity_rank, i.score, i.reasons, d.first_event_time, d.last_event_time, i.trigger_event_time, i.trigger_sent_at,
  i.first_source, clock_timestamp(), clock_timestamp(), d.event_count, d.amount_at_risk, i.currency, i.model_version,
  i.pattern_version, %(pack_version)s,
  CASE WHEN EXISTS (SELECT FROM {ALERT} p WHERE p.alert_id = i.previous_alert_id)
    OR EXISTS (SELECT FROM incoming_alert p WHERE p.alert_id = i.previous_alert_id)
    THEN i.previous_alert_id END
FROM incoming_alert i JOIN derived d USING (alert_id)
ON CONFLICT (alert_id) DO UPDATE SET
  severity = CASE WHEN excluded.severity_rank > a.severity_rank THEN excluded.severity ELSE a.severity END,
  severity_rank = greatest(a.severity_rank, excluded.severity_rank),
  score = greatest(a.score, excluded.score),
  model_version = CASE WHEN excluded.score > coalesce(a.score, '-Infinity') THEN excluded.model_version
    ELSE a.model_version END,
  pattern_version = coalesce(a.pattern_version, excluded.pattern_version),
  reasons = jsonb_path_query_array(a.reasons, '$[*] ? (@.source == "pattern")')
    || (SELECT coalesce(jsonb_agg(n.reason ORDER BY n.place), '[]')
        FROM jsonb_array_elements(excluded.reasons) WITH ORDINALITY AS n (reason, place)
        WHERE n.reason ->> 'source' = 'pattern'
          AND NOT a.reasons @> jsonb_build_array(jsonb_build_object('source', 'pattern', 'code', n.reason -> 'code')))
    || jsonb_path_query_array(
         CASE WHEN excluded.score > coalesce(a.score, '-Infinity') THEN excluded.reasons ELSE a.reasons END,
         '$[*] ? (@.source == "score")'),
  first_event_time = excluded.first_event_time,
  last_event_time = excluded.last_event_time,
  event_count = excluded.event_count,
  amount_at_risk = excluded.amount_at_risk,
  currency = coalesce(a.currency, excluded.currency),
  updated_at = excluded.updated_at
RETURNING (a.xmax = 0) AS created
"""

_LINK_NEXT: Final = f"""
UPDATE {ALERT} later SET related_alert_id = i.alert_id
FROM unnest(%s::text[], %s::text[]) AS i (alert_id, next_alert_id)
WHERE later.alert_id = i.next_alert_id AND later.related_alert_id IS NULL
"""


class AlertStore:
    """The alert tables of one domain in one scope, for their only writer."""

    def __init__(self, connection: psycopg.Connection[Any], scope: str, domain: str, pack_version: str) -> None:
        """Write through ``connection``, which must be idle and is this store's alone from now on."""
        self._connection = connection
        self._passport = {"scope": scope, "domain": domain, "pack_version": pack_version}

    def start_offsets(self, earliest: Mapping[Partition, int]) -> dict[Partition, int]:
        """Offsets to read on from, by partition: the stored one, else the ``earliest`` given, which is then stored."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(
                _START_OFFSET,
                [(self._passport["scope"], topic, number, at) for (topic, number), at in sorted(earliest.items())],
            )
            rows = cursor.execute(_READ_OFFSETS, ([topic for topic, _ in earliest],)).fetchall()
        return {(topic, number): at for topic, number, at in rows if (topic, number) in earliest}

    def write(self, batch: Batch, advances: Sequence[Advance]) -> Written:
        """Write ``batch`` and move the offsets, all or nothing.

        Raises:
            AnotherWriterError: an offset is not where this writer left it; nothing was written.
            psycopg.Error: PostgreSQL is gone or refused; nothing was written.
        """
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for advance in sorted(advances, key=lambda a: (a.topic, a.partition)):
                _move_offset(cursor, advance)
            if not batch.drafts:
                return Written(0, 0)
            rows = {"alerts": _json(map(_alert_row, batch.drafts)), "events": _json(map(_event_row, batch.events))}
            created = [row[0] for row in cursor.execute(_UPSERT, self._passport | rows, prepare=True).fetchall()]
            identities = [draft.identity for draft in batch.drafts]
            ids, next_ids = [i.alert_id for i in identities], [i.next_alert_id for i in identities]
            cursor.execute(_LINK_NEXT, (ids, next_ids), prepare=True)
        return Written(created=sum(created), updated=len(created) - sum(created))


def _move_offset(cursor: psycopg.Cursor[Any], advance: Advance) -> None:
    parameters = (advance.next_offset, advance.topic, advance.partition, advance.expected)
    if cursor.execute(_ADVANCE, parameters, prepare=True).rowcount == 0:
        raise AnotherWriterError(
            f"topic {advance.topic}, partition {advance.partition}: {CONSUMER_OFFSET} is no longer at "
            f"{advance.expected}: another alert writer of this domain and scope is running; stop one of them"
        )


def _json(rows: Iterable[dict[str, object]]) -> Jsonb:
    return Jsonb(list(rows), dumps=partial(json.dumps, default=str))


def _time(epoch_ms: int) -> datetime:
    return _EPOCH + timedelta(milliseconds=epoch_ms)


def _alert_row(draft: AlertDraft) -> dict[str, object]:
    identity = draft.identity
    return {
        "alert_id": identity.alert_id,
        "previous_alert_id": identity.previous_alert_id,
        "subject_type": identity.subject_type,
        "subject_id": identity.subject_id,
        "fraud_type": identity.fraud_type,
        "episode": identity.episode,
        "severity": draft.severity,
        "severity_rank": SEVERITY_RANK[draft.severity],
        "score": draft.score,
        "reasons": [asdict(reason) for reason in draft.reasons],
        "trigger_event_time": _time(draft.trigger_event_time_ms),
        "trigger_sent_at": None if draft.trigger_sent_at_ms is None else _time(draft.trigger_sent_at_ms),
        "first_source": draft.first_source,
        "currency": draft.currency,
        "model_version": draft.model_version,
        "pattern_version": draft.pattern_version,
    }


def _event_row(event: AlertEvent) -> dict[str, object]:
    return {
        "alert_id": event.alert_id,
        "event_id": event.event_id,
        "source": event.source,
        "event_time": _time(event.event_time_ms),
        "amount": event.amount,
        "score": event.score,
        "detail": event.detail,
    }
