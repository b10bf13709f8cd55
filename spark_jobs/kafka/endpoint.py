"""Kafka as a job checks it before it starts: does it answer, do the topics exist, how many partitions have they."""

import socket

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession
from running.bad_input import BadInputError

from patternalarm.remedies import START_PLATFORM
from patternalarm.retrying import patience_of_settings, retrying

ANSWER_WITHIN_SECONDS = 10


def check_answers(bootstrap: str) -> None:
    """Check that something listens at ``bootstrap`` (``host:port``).

    Raises:
        BadInputError: nothing does, as long as patience lasts.
    """
    host, _, port = bootstrap.rpartition(":")
    try:
        retrying(f"connect to Kafka at {bootstrap}")(
            socket.create_connection, (host, int(port)), timeout=ANSWER_WITHIN_SECONDS
        ).close()
    except OSError as error:
        raise BadInputError(
            f"Kafka at {bootstrap} does not answer ({error}): {START_PLATFORM}, or its log with `make logs S=kafka`"
        ) from error


def partitions_of(spark: SparkSession, bootstrap: str, topics: list[str]) -> dict[str, int]:
    """Partition count of each of ``topics``.

    Raises:
        BadInputError: Kafka does not answer, or a topic does not exist.
    """
    check_answers(bootstrap)
    jvm = spark.sparkContext._jvm
    properties = jvm.java.util.Properties()
    properties.setProperty("bootstrap.servers", bootstrap)
    # Within this time kafka-clients itself tries again after what it calls retriable.
    patience_ms = round(max(ANSWER_WITHIN_SECONDS, patience_of_settings()) * 1_000)
    properties.setProperty("default.api.timeout.ms", str(patience_ms))
    properties.setProperty("request.timeout.ms", str(ANSWER_WITHIN_SECONDS * 500))
    admin = jvm.org.apache.kafka.clients.admin.AdminClient.create(properties)
    try:
        names = jvm.java.util.ArrayList()
        for topic in topics:
            names.add(topic)
        futures = admin.describeTopics(names).topicNameValues()
        return {topic: futures.get(topic).get().partitions().size() for topic in topics}
    except Py4JJavaError as error:
        cause = error.java_exception.getCause() or error.java_exception
        raise BadInputError(
            f"topics {', '.join(topics)} on Kafka at {bootstrap}: {cause.getMessage()}; "
            "create the run's topics before starting its jobs"
        ) from error
    finally:
        admin.close()
