"""Which failures of a query are waited out."""

import threading

import pytest
from kafka.outage import is_outage_of_kafka
from pyspark.errors.exceptions.captured import StreamingQueryException
from score_features import score_through_outages

from patternalarm import retrying

KAFKA = "org.apache.kafka.common.errors"


@pytest.fixture
def failed(spark):
    """Makes the exception of a query that failed with these words, and with this Java exception as their cause."""

    def make(text, name="", message=""):
        java = spark.sparkContext._jvm
        if not name:
            return StreamingQueryException(origin=java.java.lang.RuntimeException(text))
        made = java
        for part in name.split("."):
            made = getattr(made, part)
        return StreamingQueryException(origin=java.java.lang.RuntimeException(text, made(message)))

    return make


@pytest.mark.parametrize(
    ("text", "cause", "is_one"),
    [
        ("Job aborted", (f"{KAFKA}.TimeoutException", "Expiring 3 record(s)"), True),
        ("Job aborted", (f"{KAFKA}.DisconnectException", "gone"), True),
        (f"Lost task 0.0: {KAFKA}.NetworkException: The server disconnected", (), True),
        ("Job aborted", ("java.util.concurrent.TimeoutException", "Cannot fetch record for offset 7"), True),
        ("Job aborted", (f"{KAFKA}.SaslAuthenticationException", "who are you"), False),
        (f"{KAFKA}.TimeoutException: no metadata", (f"{KAFKA}.TopicAuthorizationException", "no"), False),
        ("Job aborted", ("java.lang.OutOfMemoryError", "Java heap space"), False),
        (f"{KAFKA}.NoSuchException", (), False),
        ("Job aborted", (), False),
    ],
)
def test_only_what_kafka_clients_would_retry_is_an_outage(spark, failed, text, cause, is_one):
    assert is_outage_of_kafka(spark)(failed(text, *cause)) is is_one


def test_another_exception_is_none(spark):
    assert not is_outage_of_kafka(spark)(RuntimeError(f"{KAFKA}.TimeoutException"))


class Query:
    """Fails as scripted; the last time it is stopped."""

    def __init__(self, *failures):
        self.failures, self.starts, self.stop = list(failures), 0, threading.Event()

    def start(self):
        self.starts += 1
        return self

    def run(self, query):
        if self.failures:
            raise self.failures.pop(0)
        self.stop.set()


def test_the_query_starts_again_until_kafka_is_back():
    query = Query(ConnectionError("away"), ConnectionError("away"))
    score_through_outages(query.start, query.run, query.stop, lambda error: isinstance(error, ConnectionError))
    assert query.starts == 3


def test_a_failure_of_its_own_ends_it_at_once():
    query = Query(ValueError("broken"))
    with pytest.raises(ValueError, match="broken"):
        score_through_outages(query.start, query.run, query.stop, lambda error: isinstance(error, ConnectionError))
    assert query.starts == 1


def test_an_outage_that_outlasts_patience_ends_it(monkeypatch):
    monkeypatch.setattr(retrying, "patience_of_settings", lambda: 0.3)
    query = Query(*[ConnectionError("away")] * 1_000)
    with pytest.raises(ConnectionError):
        score_through_outages(query.start, query.run, query.stop, lambda error: isinstance(error, ConnectionError))
