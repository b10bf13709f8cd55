"""The logs: each identity once, however often it is delivered and extracted."""

import base64
import json
from decimal import Decimal

from extract_features import FEATURES_IDENTITY, LABELS_IDENTITY, archive, merge_into_log
from history import DAY_MS
from kafka.records import parsed_features
from training.training_rows import read_log

from patternalarm.contracts.quarantine import Stage
from patternalarm.contracts.records import FEATURES_COLUMNS, LABEL_COLUMNS


def event(offset, day, **more):
    return {"event_id": f"e{offset}", "source_offset": offset, "event_time_ms": day * DAY_MS + offset, **more}


def offsets(spark, directory):
    return sorted(row["source_offset"] for row in spark.read.parquet(str(directory)).collect())


def test_redelivered_copies_are_dropped_and_days_are_kept_apart(spark, features_frame, tmp_path):
    rows = features_frame(event(1, 10), event(1, 10), event(2, 10), event(3, 11))

    count = merge_into_log(rows, tmp_path / "log", FEATURES_COLUMNS, FEATURES_IDENTITY)

    assert count == 3
    assert offsets(spark, tmp_path / "log") == [1, 2, 3]
    assert sorted(path.name for path in (tmp_path / "log").glob("event_date=*")) == [
        "event_date=1970-01-11",
        "event_date=1970-01-12",
    ]


def test_a_second_run_adds_what_is_new_and_keeps_what_the_topic_no_longer_holds(spark, features_frame, tmp_path):
    log = tmp_path / "log"
    merge_into_log(features_frame(event(1, 10), event(2, 10), event(3, 11)), log, FEATURES_COLUMNS, FEATURES_IDENTITY)

    merge_into_log(features_frame(event(2, 10), event(4, 10), event(5, 12)), log, FEATURES_COLUMNS, FEATURES_IDENTITY)

    assert offsets(spark, log) == [1, 2, 3, 4, 5]


def test_the_log_holds_the_columns_of_the_contract(spark, features_frame, tmp_path):
    merge_into_log(features_frame(event(1, 10)), tmp_path / "log", FEATURES_COLUMNS, FEATURES_IDENTITY)

    assert spark.read.parquet(str(tmp_path / "log")).columns == [*FEATURES_COLUMNS, "event_date"]


def test_a_log_from_before_a_column_was_added_goes_on(spark, features_frame, tmp_path):
    log = tmp_path / "log"
    old = {name: kind for name, kind in FEATURES_COLUMNS.items() if name not in ("amount_base", "identity_forgotten")}
    merge_into_log(features_frame(event(1, 10)), log, old, FEATURES_IDENTITY)
    assert read_log(spark, log, FEATURES_COLUMNS).first()["amount_base"] is None

    merge_into_log(features_frame(event(2, 10, amount_base=Decimal(5))), log, FEATURES_COLUMNS, FEATURES_IDENTITY)

    rows = read_log(spark, log, FEATURES_COLUMNS).orderBy("source_offset").collect()
    assert [row["amount_base"] for row in rows] == [None, 5]


def test_verdicts_of_one_event_are_kept_apart_and_copies_are_not(spark, labels_frame, tmp_path):
    rows = labels_frame(
        {"event_id": "e", "verdict": "alpha", "label_time_ms": 1},
        {"event_id": "e", "verdict": "alpha", "label_time_ms": 1},
        {"event_id": "e", "verdict": "legitimate", "label_time_ms": 2},
    )

    assert merge_into_log(rows, tmp_path / "log", LABEL_COLUMNS, LABELS_IDENTITY) == 2


def test_an_empty_topic_gives_no_rows(features_frame, tmp_path):
    assert merge_into_log(features_frame(), tmp_path / "log", FEATURES_COLUMNS, FEATURES_IDENTITY) == 0


def test_what_cannot_be_read_is_put_away_counted_and_stops_nothing(spark, tmp_path):
    good = {"event_id": "e1", "event_time_ms": 5, "actor_id": "a", "feature_set": "f", "values": [1.0],
            "source_topic": "events.shop", "source_partition": 0, "source_offset": 1}  # fmt: skip
    values = [json.dumps(good).encode(), b"{", json.dumps({**good, "event_time_ms": 2**62}).encode(), b"\xff\xfe"]
    rows = [(value, "features.shop", 2, 40 + offset) for offset, value in enumerate(values)]
    records = spark.createDataFrame(rows, "value binary, topic string, partition int, offset long")
    log, quarantine = tmp_path / "log", tmp_path / "quarantine"

    for _ in range(2):
        counts = archive(parsed_features(records, Stage.ARCHIVE), log, FEATURES_COLUMNS, FEATURES_IDENTITY, quarantine)
        assert counts == (1, 3)

    lines = [line for path in quarantine.glob("*.json") for line in path.read_text().splitlines()]
    found = sorted((json.loads(line) for line in lines), key=lambda one: one["offset"])
    assert [(one["stage"], one["topic"], one["partition"], one["offset"]) for one in found] == [
        ("archive", "features.shop", 2, offset) for offset in (41, 42, 43)
    ]
    assert [base64.b64decode(one["raw"]) for one in found] == values[1:]


def test_a_topic_without_a_readable_record_is_counted_too(spark, tmp_path):
    schema = "value binary, topic string, partition int, offset long"
    for values, count in (([], 0), ([b"{", b""], 2)):
        records = spark.createDataFrame([(value, "t", 0, at) for at, value in enumerate(values)], schema)
        parsed = parsed_features(records, Stage.ARCHIVE)
        log, quarantine = tmp_path / f"log-{count}", tmp_path / f"quarantine-{count}"
        assert archive(parsed, log, FEATURES_COLUMNS, FEATURES_IDENTITY, quarantine) == (0, count)
