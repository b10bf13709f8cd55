"""Records on Kafka as Spark reads them."""

import json
import math

import pytest
from kafka.records import UNREADABLE, parsed_features, parsed_labels

from patternalarm.contracts.quarantine import QUARANTINE_COLUMNS, Stage

GOOD = {
    "event_id": "e1",
    "event_time_ms": 5,
    "actor_id": "anna",
    "amount": 10**12,
    "feature_set": "f",
    "values": [1.5, "NaN"],
    "source_topic": "events.shop",
    "source_partition": 3,
    "source_offset": 4,
}


def records(spark, *values):
    rows = [(value.encode(), "features.shop", 1, offset) for offset, value in enumerate(values)]
    return spark.createDataFrame(rows, "value binary, topic string, partition int, offset long")


def test_a_features_record_is_read_as_flink_writes_it(spark):
    text = (
        '{"event_id":"e1","event_time_ms":1700000000123,"actor_id":"anna","amount":1E+2,"values":[1.5,"NaN",null,-3],'
        '"source_topic":"events.shop","feature_set":"f","source_partition":3,"source_offset":9007199254740993,"added_later":1}'
    )

    row = parsed_features(records(spark, text), Stage.SCORER).first()

    assert (row["event_id"], row["event_time_ms"], str(row["amount"])) == ("e1", 1_700_000_000_123, "100.0000")
    assert (row["source_partition"], row["source_offset"]) == (3, 9_007_199_254_740_993)
    assert row["values"][0] == 1.5 and math.isnan(row["values"][1]) and row["values"][2:] == [None, -3.0]
    assert row["device_id"] is None


def test_events_before_the_first_to_be_scored_are_left_out(spark):
    texts = [json.dumps({**GOOD, "event_id": f"e{time}", "event_time_ms": time}) for time in (99, 100, 101)]

    rows = parsed_features(records(spark, *texts), Stage.SCORER, from_ms=100).collect()

    assert sorted(row["event_id"] for row in rows) == ["e100", "e101"]


def test_leaving_events_out_does_not_parse_them_twice(spark):
    rows = parsed_features(records(spark, "{}"), Stage.SCORER, from_ms=100).select("event_id")

    assert rows._jdf.queryExecution().executedPlan().toString().count("from_json") == 1


BROKEN = {
    "cut short": '{"event_id":',
    "empty": "",
    "null": "null",
    "a list": "[1]",
    "no JSON": "\x00\x01",
    "lacks a column": json.dumps({name: value for name, value in GOOD.items() if name != "event_time_ms"}),
    "a text for a number": json.dumps({**GOOD, "amount": "much"}),
    "an infinite feature": json.dumps({**GOOD, "values": [1.0, "Infinity"]}),
    "a feature too many": json.dumps({**GOOD, "values": [1.0, 2.0, 3.0]}),
    "a time that no clock holds": json.dumps({**GOOD, "event_time_ms": 9_223_372_036_854_775_807}),
    "an amount that no column holds": json.dumps({**GOOD, "amount": 1e30}),
}


@pytest.mark.parametrize("from_ms", [None, 0])
def test_an_unreadable_record_is_kept_with_its_coordinates_and_stops_nothing(spark, from_ms):
    good = json.dumps(GOOD)
    rows = parsed_features(records(spark, good, *BROKEN.values()), Stage.SCORER, from_ms, {"f": 2}).collect()

    assert (rows[0]["event_id"], rows[0][UNREADABLE]) == ("e1", None)
    for offset, (row, value) in enumerate(zip(rows[1:], BROKEN.values(), strict=True), start=1):
        found = row[UNREADABLE]
        assert list(found.asDict()) == list(QUARANTINE_COLUMNS)
        assert (found["stage"], found["topic"], found["partition"], found["offset"]) == (
            "scorer",
            "features.shop",
            1,
            offset,
        )
        assert (found["reason"], bytes(found["raw"])) == ("breaks_contract", value.encode())


def test_a_label_record_is_read(spark):
    text = '{"event_id":"e1","actor_id":"a","event_time_ms":5,"label_time_ms":7,"verdict":"alpha","source":"t"}'

    row = parsed_labels(records(spark, text), Stage.ARCHIVE).first()

    assert (row["label_time_ms"], row["verdict"], row["campaign_id"]) == (7, "alpha", None)
