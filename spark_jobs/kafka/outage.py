"""Whether a query failed because Kafka is away, and so may be started again once it is back."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

# Connections that broke below kafka-clients, and Spark's own words for a record that did not come in time.
_AWAY: Final = frozenset({"java.net.ConnectException", "java.util.concurrent.TimeoutException"})
_RETRIABLE: Final = "org.apache.kafka.common.errors.RetriableException"
_NAMED: Final = re.compile(r"org\.apache\.kafka\.common\.errors\.\w+|" + "|".join(map(re.escape, sorted(_AWAY))))


def is_outage_of_kafka(spark: SparkSession) -> Callable[[BaseException], bool]:
    """Tells of an error whether Kafka is away: whether it is a query's, and its cause one that kafka-clients would retry.

    A task's error reaches the query as an object or as text alone, so both are looked at. One error of Kafka that does
    not pass, like a refused login, decides.
    """
    names: dict[str, bool] = {}

    def passes(name: str) -> bool:
        if name not in names:
            names[name] = name in _AWAY or _is_retriable(spark, name)
        return names[name]

    def check(error: BaseException) -> bool:
        if not isinstance(error, StreamingQueryException):
            return False
        verdicts = {passes(name) for name in _NAMED.findall("\n".join(_texts(error)))}
        return verdicts == {True}

    return check


def _texts(error: StreamingQueryException) -> Iterator[str]:
    yield str(error)
    cause: Any = getattr(error, "_origin", None)
    while cause is not None:
        yield cause.toString()
        cause = cause.getCause()


def _is_retriable(spark: SparkSession, name: str) -> bool:
    java: Any = spark.sparkContext._jvm
    loader = java.java.lang.Thread.currentThread().getContextClassLoader()
    try:
        found = java.java.lang.Class.forName(name, False, loader)
        return bool(java.java.lang.Class.forName(_RETRIABLE, False, loader).isAssignableFrom(found))
    except Exception:  # noqa: BLE001 - a class that cannot be found says nothing about its kind
        return False
