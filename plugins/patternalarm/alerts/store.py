"""Alerts in PostgreSQL: a batch and the Kafka offsets it came from, in one transaction."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

import psycopg
from psycopg.types.json import Jsonb

from patternalarm.alerts.batch import AlertDraft, AlertEvent, Batch
from patternalarm.alerts.findings import Finding, Found, Quarantined, quarantined
from patternalarm.contracts.alerts import SEVERITY_RANK, Severity
from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.contracts.quarantine import QuarantineReason
from patternalarm.contracts.records import Partition
from patternalarm.contracts.runs import LIVE_SCOPE
from patternalarm.contracts.tables import ALERT, ALERT_EVENT, ALLOW_LIST, CONSUMER_OFFSET, QUARANTINED_RECORD

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# What PostgreSQL says of the data themselves: SQLSTATE classes 22 and 23, and a value too large for an index.
_DATA_ERRORS: Final = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded)
_LONGEST_DETAIL: Final = 1_000


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
    """What a transaction changed; redelivered findings change nothing. ``refused`` went to quarantine instead."""

    created: int
    updated: int
    refused: tuple[Quarantined, ...] = ()


# The rows come as JSON parameters and not through COPY into temporary tables: emptying those at every commit throws
# the prepared plan away, which costs four times the CPU at the few rows that a live batch has.
_INCOMING_ALERT: Final = """
SELECT * FROM jsonb_to_recordset(%(alerts)s) AS i (
  alert_id text, previous_alert_id text, subject_type text, subject_id text, fraud_type text, episode bigint,
  base_severity_rank smallint, score double precision, reasons jsonb, trigger_event_time timestamptz,
  trigger_sent_at timestamptz, first_source text, model_version text, pattern_version text
)
"""
_INCOMING_EVENT: Final = """
SELECT * FROM jsonb_to_recordset(%(events)s) AS i (
  alert_id text, actor_id text, event_id text, source text, event_time timestamptz, amount numeric(18, 4),
  money_out boolean, score double precision, detail text, fields jsonb, features jsonb
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

_QUARANTINE: Final = f"""
INSERT INTO {QUARANTINED_RECORD} (
  scope, stage, topic, "partition", "offset", source_topic, source_partition, source_offset, reason, detail, raw,
  quarantined_at
)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp()) ON CONFLICT DO NOTHING
"""


def _rank(base: str, money: str) -> str:
    """``contracts.alerts.severity_of`` in SQL, as a rank."""
    much = f"coalesce({money} >= %(much_money)s::numeric, false)"
    return f"least({max(SEVERITY_RANK.values())}, {base} + {much}::int)::smallint"


def _name(rank: str) -> str:
    return f"(ARRAY{[str(severity) for severity in Severity]})[{rank} + 1]"


_NEW_RANK: Final = _rank("i.base_severity_rank", "d.amount_at_risk")
_RISEN_BASE: Final = "greatest(a.base_severity_rank, excluded.base_severity_rank)"
_RISEN_RANK: Final = f"greatest(a.severity_rank, {_rank(_RISEN_BASE, 'excluded.amount_at_risk')})"

# An alert is written only if one of its events is new, so a redelivered batch leaves no trace. What is derived counts
# an event once, though both sources may hold it; the new rows come from RETURNING because a statement's own inserts
# are invisible to its snapshot. An allow-list counts when the alert is raised, and in graded scopes never: an alert that is
# there keeps what it has.
_UPSERT: Final = f"""
WITH incoming_alert AS MATERIALIZED ({_INCOMING_ALERT}),
incoming_event AS MATERIALIZED ({_INCOMING_EVENT}),
new_event AS (
  INSERT INTO {ALERT_EVENT} (
    alert_id, actor_id, event_id, source, event_time, amount, money_out, score, detail, fields, features, committed_at
  )
  SELECT alert_id, actor_id, event_id, source, event_time, amount, money_out, score, detail, fields, features,
    clock_timestamp()
  FROM incoming_event
  ON CONFLICT (alert_id, actor_id, event_id, source) DO NOTHING
  RETURNING alert_id, actor_id, event_id, event_time, amount, money_out
),
touched AS (SELECT DISTINCT alert_id FROM new_event),
known_event AS (
  SELECT alert_id, actor_id, event_id, event_time, amount, money_out FROM new_event
  UNION ALL
  SELECT old.alert_id, old.actor_id, old.event_id, old.event_time, old.amount, old.money_out
  FROM touched CROSS JOIN LATERAL (SELECT * FROM {ALERT_EVENT} e WHERE e.alert_id = touched.alert_id OFFSET 0) old
),
single_event AS (
  SELECT alert_id, min(event_time) AS event_time, max(amount) AS amount, bool_or(money_out) AS money_out
  FROM known_event GROUP BY alert_id, actor_id, event_id
),
derived AS (
  SELECT alert_id, count(*) AS event_count, coalesce(sum(amount) FILTER (WHERE money_out), 0) AS amount_at_risk,
    coalesce(sum(amount) FILTER (WHERE NOT money_out), 0) AS amount_tried,
    min(event_time) AS first_event_time, max(event_time) AS last_event_time
  FROM single_event GROUP BY alert_id
)
INSERT INTO {ALERT} AS a (
  alert_id, scope, domain, subject_type, subject_id, fraud_type, episode, severity, severity_rank,
  base_severity_rank, score, reasons, first_event_time, last_event_time, trigger_event_time, trigger_sent_at,
  first_source, detected_at, updated_at, event_count, amount_at_risk, amount_tried, currency, model_version, pattern_version,
  pack_version, related_alert_id, suppressed_by
)
SELECT
  i.alert_id, %(scope)s, %(domain)s, i.subject_type, i.subject_id, i.fraud_type, i.episode,
  {_name(_NEW_RANK)}, {_NEW_RANK}, i.base_severity_rank, i.score, i.reasons,
  d.first_event_time, d.last_event_time, i.trigger_event_time, i.trigger_sent_at,
  i.first_source, clock_timestamp(), clock_timestamp(), d.event_count, d.amount_at_risk, d.amount_tried,
  %(currency)s, i.model_version, i.pattern_version, %(pack_version)s,
  CASE WHEN EXISTS (SELECT FROM {ALERT} p WHERE p.alert_id = i.previous_alert_id)
    OR EXISTS (SELECT FROM incoming_alert p WHERE p.alert_id = i.previous_alert_id)
    THEN i.previous_alert_id END,
  CASE WHEN %(scope)s = '{LIVE_SCOPE}' THEN (
    SELECT min(l.allow_list_entry_id) FROM {ALLOW_LIST} l
    WHERE l.domain = %(domain)s AND l.subject_type = i.subject_type AND l.subject_id = i.subject_id
      AND (l.fraud_type IS NULL OR l.fraud_type = i.fraud_type) AND l.state = 'active'
  ) END
FROM incoming_alert i JOIN derived d USING (alert_id)
ON CONFLICT (alert_id) DO UPDATE SET
  severity = {_name(_RISEN_RANK)},
  severity_rank = {_RISEN_RANK},
  base_severity_rank = {_RISEN_BASE},
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
  amount_tried = excluded.amount_tried,
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

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        scope: str,
        pack: DomainPack,
        build: Callable[[Sequence[Finding]], Batch],
    ) -> None:
        """Write through ``connection``, which must be idle and is this store's alone from now on.

        ``build`` makes rows of findings.
        """
        self._connection, self._build = connection, build
        self._passport = {
            "scope": scope,
            "domain": pack.name,
            "pack_version": pack.version,
            "currency": pack.base_currency,
            "much_money": pack.much_money,
        }

    def start_offsets(self, earliest: Mapping[Partition, int]) -> dict[Partition, int]:
        """Offsets to read on from, by partition: the stored one, else the ``earliest`` given, which is then stored."""
        with self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(
                _START_OFFSET,
                [(self._passport["scope"], topic, number, at) for (topic, number), at in sorted(earliest.items())],
            )
            rows = cursor.execute(_READ_OFFSETS, ([topic for topic, _ in earliest],)).fetchall()
        return {(topic, number): at for topic, number, at in rows if (topic, number) in earliest}

    def write(
        self, found: Sequence[Found], advances: Sequence[Advance], unreadable: Sequence[Quarantined] = ()
    ) -> Written:
        """Write ``found``, put ``unreadable`` into quarantine and move the offsets, all or nothing.

        Findings that PostgreSQL does not take as data go to quarantine too, in the same transaction.

        Raises:
            AnotherWriterError: an offset is not where this writer left it; nothing was written.
            psycopg.Error: PostgreSQL is gone or refused; nothing was written.
        """
        try:
            return self._commit(found, advances, unreadable, self._upsert)
        except _DATA_ERRORS:
            # Again, and with a savepoint around each try: the transaction that met the error is lost.
            return self._commit(found, advances, unreadable, self._upsert_what_is_taken)

    def _commit(
        self,
        found: Sequence[Found],
        advances: Sequence[Advance],
        unreadable: Sequence[Quarantined],
        upsert: Callable[[psycopg.Cursor[Any], Sequence[Found]], Written],
    ) -> Written:
        with self._connection.transaction(), self._connection.cursor() as cursor:
            for advance in sorted(advances, key=lambda a: (a.topic, a.partition)):
                _move_offset(cursor, advance)
            written = upsert(cursor, found)
            rows = [_quarantine_row(one) for one in (*unreadable, *written.refused)]
            if rows:
                cursor.executemany(_QUARANTINE, [(self._passport["scope"], *row) for row in rows])
        return written

    def _upsert(self, cursor: psycopg.Cursor[Any], found: Sequence[Found]) -> Written:
        if not found:
            return Written(0, 0)
        batch = self._build([one.finding for one in found])
        rows = {"alerts": _json(map(_alert_row, batch.drafts)), "events": _json(map(_event_row, batch.events))}
        created = [row[0] for row in cursor.execute(_UPSERT, self._passport | rows, prepare=True).fetchall()]
        identities = [draft.identity for draft in batch.drafts]
        ids, next_ids = [i.alert_id for i in identities], [i.next_alert_id for i in identities]
        cursor.execute(_LINK_NEXT, (ids, next_ids), prepare=True)
        return Written(created=sum(created), updated=len(created) - sum(created))

    def _upsert_what_is_taken(self, cursor: psycopg.Cursor[Any], found: Sequence[Found]) -> Written:
        """Halve ``found`` until what is refused stands alone."""
        try:
            with self._connection.transaction():
                return self._upsert(cursor, found)
        except _DATA_ERRORS as error:
            if len(found) == 1:
                (one,) = found
                return Written(0, 0, (quarantined(one.at, one.raw, QuarantineReason.REFUSED_BY_DATABASE, error),))
        middle = len(found) // 2
        first, second = (self._upsert_what_is_taken(cursor, half) for half in (found[:middle], found[middle:]))
        return Written(
            first.created + second.created, first.updated + second.updated, (*first.refused, *second.refused)
        )


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
        "base_severity_rank": SEVERITY_RANK[draft.severity],
        "score": draft.score,
        "reasons": [asdict(reason) for reason in draft.reasons],
        "trigger_event_time": _time(draft.trigger_event_time_ms),
        "trigger_sent_at": None if draft.trigger_sent_at_ms is None else _time(draft.trigger_sent_at_ms),
        "first_source": draft.first_source,
        "model_version": draft.model_version,
        "pattern_version": draft.pattern_version,
    }


def _event_row(event: AlertEvent) -> dict[str, object]:
    return {
        "alert_id": event.alert_id,
        "actor_id": event.actor_id,
        "event_id": event.event_id,
        "source": event.source,
        "event_time": _time(event.event_time_ms),
        "amount": event.amount,
        "money_out": event.money_out,
        "score": event.score,
        "detail": event.detail,
        "fields": event.fields,
        "features": event.features,
    }


def _quarantine_row(record: Quarantined) -> tuple[object, ...]:
    source = record.source
    return (
        record.stage,
        _storable(record.at.topic),
        record.at.partition,
        record.at.offset,
        *((_storable(source.topic), source.partition, source.offset) if source else (None, None, None)),
        record.reason,
        _storable(record.detail)[:_LONGEST_DETAIL],
        record.raw,
    )


def _storable(text: str) -> str:
    """``text`` without what PostgreSQL's text cannot hold, a NUL and halves of surrogate pairs."""
    return text.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()
