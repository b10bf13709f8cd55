"""The detection pipeline of one domain: raw events in, features, pattern hits and dead letters out.

    events (raw bytes) -> ACTOR_FEATURES -> SHARED_KEY_FEATURES, once per shared key -> features
                                |-> the pack's patterns/*.sql (MATCH_RECOGNIZE) -> pattern hits
                                '-> dead letters

Everything per event is SQL or the Java module; Python only wires it. Sources and sinks are arguments, so that tests
run the same pipeline on the same engine.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Final

from pyflink.table import StatementSet, TableEnvironment

from patternalarm.contracts.domain_pack import DomainPack, PackField
from patternalarm.contracts.event_schema import contract_spec
from patternalarm.contracts.events import COMMON_FIELDS, MAX_FUTURE_SECONDS, EventField, FieldType
from patternalarm.contracts.jobs import flink_consumer_group
from patternalarm.contracts.records import (
    DEAD_LETTER_COLUMNS,
    FEATURES_COLUMNS,
    HIT_EVENT,
    HIT_EVENT_COLUMNS,
    PATTERN_HIT_COLUMNS,
    flink_ddl,
)
from patternalarm.contracts.topics import TopicKind, topic_name
from patternalarm.patterns import Pattern
from patternalarm.settings import get_settings

SPEC_PARAMETER: Final = "patternalarm.spec"

FUNCTIONS: Final = {
    "EVENT_TIME": "dev.patternalarm.flink.EventTime",
    "ACTOR_KEY": "dev.patternalarm.flink.ActorKey",
    "ACTOR_FEATURES": "dev.patternalarm.flink.ActorFeatures",
    "SHARED_KEY_FEATURES": "dev.patternalarm.flink.SharedKeyFeatures",
}

JOB_OPTIONS: Final = {
    "table.local-time-zone": "UTC",
    "execution.checkpointing.interval": "10 s",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    # Patterns and shared keys wait for the watermark: the default of 200 ms would be the larger part of their delay.
    "pipeline.auto-watermark-interval": "50 ms",
    # Half-full network buffers wait this long at every shuffle, and an event passes up to three.
    "execution.buffer-timeout.interval": "5 ms",
    "pipeline.object-reuse": "true",
}

# A partition without events must not hold back the watermark of the others, nor patterns and shared keys with it. It is
# longer than any pause of a busy machine: events of a partition that was taken for idle come behind the watermark.
IDLE_TIMEOUT: Final = "5 s"

# An event on its way, in the order in which SHARED_KEY_FEATURES reads it. Its fields are in two arrays: every operator
# copies column by column. With twenty columns an event cost the TaskManager 77 us of CPU, so 61 (bench_engines).
_CARRIED: Final = (
    "source_partition, source_offset, sent_at_ms, source_crc, event_time_ms, behind_watermark, amount, amount_base,"
    " numbers, texts, `values`, identity_forgotten"
)


def job_spec(pack: DomainPack) -> str:
    """The event contract and the pack as the Java functions read them: base64 of JSON."""
    features = [
        {
            "name": f.name,
            "op": f.op,
            "key": f.key,
            "window_ms": f.window,
            "bucket_ms": f.bucket_ms if f.window else None,
            "field": f.field,
            "fields": f.fields,
            "categories": f.categories,
            "where": f.where,
        }
        for f in pack.features
    ]
    spec = {
        **contract_spec(pack, get_settings().event_times_ms),
        "lateness_ms": pack.lateness,
        "shared_key_delay_ms": pack.shared_key_delay,
        "features": features,
    }
    return base64.b64encode(json.dumps(spec).encode()).decode()


def kafka_events_source(topic: str, bootstrap: str, group_id: str, bounded: bool = False) -> str:
    """Connector options of the events topic, from its beginning; a savepoint's offsets take precedence.

    ``bounded`` ends the job at what the topic holds when it starts.
    """
    end = "'scan.bounded.mode' = 'latest-offset'," if bounded else f"'scan.watermark.idle-timeout' = '{IDLE_TIMEOUT}',"
    return f"""
      'connector' = 'kafka',
      'topic' = '{topic}',
      'properties.bootstrap.servers' = '{bootstrap}',
      'properties.group.id' = '{group_id}',
      'properties.fetch.max.wait.ms' = '20',
      'properties.isolation.level' = 'read_committed',
      'scan.startup.mode' = 'earliest-offset',
      {end}
      'scan.watermark.emit.strategy' = 'on-periodic',
      'format' = 'raw'"""


def kafka_json_sink(topic: str, bootstrap: str, key: str | None) -> str:
    """Connector options of a JSON topic, at least once: readers drop copies by each record's source coordinates."""
    keyed = f"'key.format' = 'raw', 'key.fields' = '{key}'," if key else ""
    return f"""
      'connector' = 'kafka',
      'topic' = '{topic}',
      'properties.bootstrap.servers' = '{bootstrap}',
      'properties.linger.ms' = '5',
      'properties.compression.type' = 'lz4',
      'properties.enable.idempotence' = 'true',
      {keyed}
      'sink.delivery-guarantee' = 'at-least-once',
      'value.format' = 'json'"""


def kafka_connectors(pack: DomainPack, scope: str, bootstrap: str, bounded: bool = False) -> dict[TopicKind, str]:
    """Connector options of the source and the three sinks, by topic kind; see ``kafka_events_source``."""
    topics = {kind: topic_name(kind, pack.name, scope) for kind in TopicKind}
    return {
        TopicKind.EVENTS: kafka_events_source(
            topics[TopicKind.EVENTS], bootstrap, flink_consumer_group(pack.name, scope), bounded
        ),
        TopicKind.FEATURES: kafka_json_sink(topics[TopicKind.FEATURES], bootstrap, "actor_id"),
        TopicKind.PATTERN_HITS: kafka_json_sink(topics[TopicKind.PATTERN_HITS], bootstrap, "subject_id"),
        TopicKind.DEAD_LETTERS: kafka_json_sink(topics[TopicKind.DEAD_LETTERS], bootstrap, None),
    }


def _fields(pack: DomainPack) -> dict[str, str]:
    """SQL of every field of the event, by its name, out of the columns that are carried; SQL arrays count from 1.

    ``amount`` is the base amount, exact: what features and patterns compare must be of one currency.
    """
    number = text = 0
    fields = {}
    declared: tuple[EventField | PackField, ...] = (*COMMON_FIELDS, *pack.fields)
    for field in declared:
        is_number = field.type not in (FieldType.STRING, FieldType.TIME)
        is_text = field.type in (FieldType.STRING, FieldType.BOOLEAN)
        number += is_number
        text += is_text
        fields[field.name] = f"numbers[{number}]" if is_number else f"texts[{text}]"
    # Exact, and with its own name.
    del fields["event_time"]
    fields |= {"amount": "amount_base", "event_time_ms": "event_time_ms"}
    return fields | {"money_out": _money_out(pack, fields)}


def _money_out(pack: DomainPack, fields: Mapping[str, str]) -> str:
    """The pack's rules of money as one SQL expression: see ``money_out`` of ``FEATURES_COLUMNS``."""

    def meets(rules: Sequence[Mapping[str, Sequence[str]]]) -> str:
        entries = [
            " AND ".join(f"{fields[name]} IN ({', '.join(map(_literal, values))})" for name, values in rule.items())
            for rule in rules
        ]
        return " OR ".join(f"({entry})" for entry in entries) or "FALSE"

    # Nothing is a result of its own: an amount that is missing is not below zero, and the rules decide.
    return (
        f"CASE WHEN {fields['amount']} < 0 THEN CAST(NULL AS BOOLEAN) WHEN {meets(pack.money_out)} THEN TRUE"
        f" WHEN {meets(pack.money_tried)} THEN FALSE END"
    )


def _own_fields(pack: DomainPack, fields: Mapping[str, str]) -> str:
    """The pack's own fields as one SQL map of texts by name: see ``own`` of ``HIT_EVENT_COLUMNS``."""

    def text(field: PackField) -> str:
        value = fields[field.name]
        if field.type is FieldType.STRING:
            return value
        if field.type is FieldType.BOOLEAN:
            return f"CASE WHEN {value} >= 0.5 THEN 'true' WHEN {value} < 0.5 THEN 'false' END"
        return f"CAST({value} AS STRING)"

    pairs = ", ".join(f"{_literal(field.name)}, {text(field)}" for field in pack.fields)
    return f"MAP[{pairs}]" if pairs else "CAST(NULL AS MAP<STRING, STRING>)"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named_features(pack: DomainPack) -> str:
    """The features of the actor as columns ``feature_<name>``, for patterns; those of shared keys come later."""
    return "".join(
        f", `values`[{number}] AS `feature_{feature.name}`"
        for number, feature in enumerate(pack.features, start=1)
        if feature.key not in pack.shared_keys
    )


def build(
    t_env: TableEnvironment,
    pack: DomainPack,
    patterns: list[Pattern],
    source_topic: str,
    connectors: dict[TopicKind, str],
) -> StatementSet:
    """Declare the whole pipeline in ``t_env`` and return its statements, not yet executed.

    ``connectors`` gives the ``WITH`` options of the events source and of the features, pattern hits and dead letters.
    """
    t_env.get_config().set("pipeline.global-job-parameters", f"{SPEC_PARAMETER}:{job_spec(pack)}")
    for name, java_class in FUNCTIONS.items():
        t_env.execute_sql(f"CREATE TEMPORARY SYSTEM FUNCTION {name} AS '{java_class}' LANGUAGE JAVA")

    t_env.execute_sql(f"""
        CREATE TEMPORARY TABLE events_source (
          payload BYTES,
          source_partition INT METADATA FROM 'partition' VIRTUAL,
          source_offset BIGINT METADATA FROM 'offset' VIRTUAL,
          sent_at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
          event_time AS EVENT_TIME(payload, sent_at, CAST({MAX_FUTURE_SECONDS * 1000} AS BIGINT)),
          WATERMARK FOR event_time AS event_time - INTERVAL '{pack.disorder / 1000:.3f}' SECOND
        ) WITH ({connectors[TopicKind.EVENTS]})""")
    for kind, columns in (
        (TopicKind.FEATURES, FEATURES_COLUMNS),
        (TopicKind.PATTERN_HITS, PATTERN_HIT_COLUMNS),
        (TopicKind.DEAD_LETTERS, DEAD_LETTER_COLUMNS),
    ):
        t_env.execute_sql(f"CREATE TEMPORARY TABLE {kind}_sink ({flink_ddl(columns)}) WITH ({connectors[kind]})")

    def view(name: str, query: str) -> None:
        # A view of a Table object is planned once; a SQL view is planned at every use, with what that use needs.
        t_env.create_temporary_view(name, t_env.sql_query(query))

    view(
        "keyed_by_actor",
        """
        SELECT event_time, payload, source_partition, source_offset, sent_at,
          ACTOR_KEY(payload, source_partition, source_offset) AS actor_key
        FROM events_source""",
    )
    view(
        "by_actor",
        """
        SELECT * FROM ACTOR_FEATURES(
          input => TABLE keyed_by_actor PARTITION BY actor_key, on_time => DESCRIPTOR(event_time),
          uid => 'actor-features')""",
    )
    view("accepted", f"SELECT rowtime, {_CARRIED} FROM by_actor WHERE reason IS NULL")
    fields = _fields(pack)
    named = ", ".join(f"{sql} AS `{name}`" for name, sql in fields.items())
    of_hit = fields | {"amount_sent": "amount", "own": _own_fields(pack, fields)}
    hit_event = f"CAST(ROW({', '.join(of_hit[name] for name in HIT_EVENT_COLUMNS)}) AS {HIT_EVENT}) AS hit_event"
    # A SQL view, so that each pattern filters before it unpacks no more fields than it names.
    t_env.execute_sql(
        f"CREATE TEMPORARY VIEW events AS SELECT rowtime, {named}, {hit_event}{_named_features(pack)} FROM accepted"
    )

    featurised = "accepted"
    for key in pack.shared_keys:
        view(
            f"keyed_by_{key}",
            f"""
            SELECT rowtime AS event_time, COALESCE({fields[key]}, CONCAT(' ', {fields["actor_id"]})) AS shared_key,
              {_CARRIED}
            FROM {featurised}""",
        )
        view(
            f"with_{key}",
            f"""
            SELECT * FROM SHARED_KEY_FEATURES(
              input => TABLE keyed_by_{key} PARTITION BY shared_key, keyName => '{key}',
              on_time => DESCRIPTOR(event_time), uid => 'features-by-{key}')""",
        )
        featurised = f"with_{key}"

    statements = t_env.create_statement_set()
    common = {field.name: fields[field.name] for field in COMMON_FIELDS if field.name in fields}
    del common["amount"]
    made = common | {
        "money_out": fields["money_out"],
        "feature_set": f"'{pack.feature_set}'",
        "source_topic": f"'{source_topic}'",
    }
    statements.add_insert_sql(f"""
        INSERT INTO {TopicKind.FEATURES}_sink
        SELECT {", ".join(made.get(column, f"`{column}`") for column in FEATURES_COLUMNS)} FROM {featurised}""")
    statements.add_insert_sql(f"""
        INSERT INTO {TopicKind.DEAD_LETTERS}_sink
        SELECT reason, detail, '{source_topic}', source_partition, source_offset, source_crc, sent_at_ms, payload
        FROM by_actor WHERE reason IS NOT NULL""")
    currency = f"'{pack.base_currency}'" if pack.base_currency else "CAST(NULL AS STRING)"
    for pattern in patterns:
        statements.add_insert_sql(f"""
            INSERT INTO {TopicKind.PATTERN_HITS}_sink
            SELECT '{pattern.name}', '{pattern.version}', '{pattern.fraud_type}', '{pattern.severity}',
              '{pattern.subject_type}', subject_id, first_event_time_ms, last_event_time_ms, events, {currency}
            FROM ({pattern.sql})""")
    return statements
