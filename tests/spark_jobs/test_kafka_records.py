"""Records on Kafka as Spark reads them."""

import math

import pytest
from kafka_records import parsed_features, parsed_labels
from pyspark.errors import PySparkException


def records(spark, *values):
    rows = [(value.encode(), "features.shop", 1, offset) for offset, value in enumerate(values)]
    return spark.createDataFrame(rows, "value binary, topic string, partition int, offset long")


def test_a_features_record_is_read_as_flink_writes_it(spark):
    text = (
        '{"event_id":"e1","event_time_ms":1700000000123,"actor_id":"anna","amount":1E+2,"values":[1.5,"NaN",null,-3],'
        '"source_topic":"events.shop","source_partition":3,"source_offset":9007199254740993,"added_later":1}'
    )

    row = parsed_features(records(spark, text)).first()

    assert (row["event_id"], row["event_time_ms"], str(row["amount"])) == ("e1", 1_700_000_000_123, "100.0000")
    assert (row["source_partition"], row["source_offset"]) == (3, 9_007_199_254_740_993)
    assert row["values"][0] == 1.5 and math.isnan(row["values"][1]) and row["values"][2:] == [None, -3.0]
    assert row["device_id"] is None


def test_events_before_the_first_to_be_scored_are_left_out(spark):
    texts = [f'{{"event_id":"e{time}","event_time_ms":{time}}}' for time in (99, 100, 101)]

    rows = parsed_features(records(spark, *texts), from_ms=100).collect()

    assert sorted(row["event_id"] for row in rows) == ["e100", "e101"]


def test_leaving_events_out_does_not_parse_them_twice(spark):
    rows = parsed_features(records(spark, "{}"), from_ms=100).select("event_id")

    assert rows._jdf.queryExecution().executedPlan().toString().count("from_json") == 1


@pytest.mark.parametrize("broken", ['{"event_id":', "", "null", '{"event_id":"e1"}', '{"event_time_ms":1}', "[1]"])
@pytest.mark.parametrize("from_ms", [None, 0])
def test_an_unreadable_record_fails_the_query_with_its_coordinates(spark, broken, from_ms):
    rows = parsed_features(records(spark, '{"event_id":"e0","event_time_ms":5}', broken), from_ms)

    with pytest.raises(PySparkException, match=r"topic features\.shop, partition 1, offset 1: the record is no JSON"):
        rows.collect()


def test_a_label_record_is_read(spark):
    text = '{"event_id":"e1","actor_id":"a","event_time_ms":5,"label_time_ms":7,"verdict":"alpha","source":"t"}'

    row = parsed_labels(records(spark, text)).first()

    assert (row["label_time_ms"], row["verdict"], row["campaign_id"]) == (7, "alpha", None)
