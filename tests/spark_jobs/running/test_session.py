"""The session and its jars."""

import pytest
from running.bad_input import BadInputError
from running.session import kafka_connector_jars

from patternalarm.settings import Settings, get_settings


def test_the_session_is_in_utc(spark):
    assert spark.sql("SELECT cast(timestamp_millis(0) AS string)").first()[0] == "1970-01-01 00:00:00"


def test_the_connector_is_on_the_path(spark):
    assert spark.sparkContext._jvm.java.lang.Class.forName(
        "org.apache.spark.sql.kafka010.KafkaSourceProvider",
        True,
        spark.sparkContext._jvm.java.lang.Thread.currentThread().getContextClassLoader(),
    )


def test_missing_jars_are_named(tmp_path):
    with pytest.raises(BadInputError, match=r"no Spark connector for Kafka.*make up"):
        kafka_connector_jars(Settings(home=tmp_path))


def test_the_platforms_jars_are_found():
    assert any("kafka-clients" in jar for jar in kafka_connector_jars(get_settings()))
