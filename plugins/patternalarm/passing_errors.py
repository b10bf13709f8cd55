"""Which errors pass by themselves, told by what the engines say about their own errors.

- Kafka's broker: the codes whose exception kafka-clients marks as ``RetriableException``, generated from the jar that we
  ship (``retriable_kafka_errors.csv``; made by ``infra/local/jars/kafka/RetriableErrors.java``). That an unknown topic is
  among them is right where it was just made and while brokers come back; who asks for a topic that must be there already
  says so with an error of its own.
- Kafka's client, librdkafka: the codes of lost transport, time-outs and work under way. What the client calls fatal, and
  a refused login or certificate, never pass. Its Python binding's ``retriable()`` answers False for all of them.
- PostgreSQL: SQLSTATE classes 08 (connection), 40 (rolled back: deadlock, serialization), 53 (out of resources) and 57P
  (the server goes or comes). A login is refused with words alone, without a state: see ``_login_passes``.
- Redis: what its client calls a network error, which a server that still loads is too, but a refused login is not; and
  a full memory.
- HTTP and XML-RPC: the status; the network below them: the operating system's error.

An error of ours is judged by the error that it was raised from.
"""

import csv
import errno
import http.client
import re
import socket
import ssl
import sys
import urllib.error
import xmlrpc.client
from pathlib import Path
from typing import Any, Final


def _generated_table() -> dict[int, str]:
    lines = Path(__file__).with_name("retriable_kafka_errors.csv").read_text(encoding="utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {int(row["code"]): row["name"] for row in rows}


# Code -> name of kafka-clients.
RETRIABLE_KAFKA_CODES: Final = _generated_table()

# librdkafka's own codes, by its names.
PASSING_CLIENT_CODES: Final = {
    -196: "_FAIL",  # communication with the broker failed
    -195: "_TRANSPORT",  # the connection broke, or none could be made
    -193: "_RESOLVE",  # a broker's name is not known (yet): containers get theirs when they start
    -192: "_MSG_TIMED_OUT",  # a record was not acknowledged in time
    -190: "_UNKNOWN_PARTITION",  # a broker that comes back does not know all of its partitions at once
    -187: "_ALL_BROKERS_DOWN",
    -185: "_TIMED_OUT",
    -184: "_QUEUE_FULL",  # the producer's own queue; it empties while it is polled
    -183: "_ISR_INSUFF",  # too few replicas in sync
    -182: "_NODE_UPDATE",  # the connection was closed because the broker's address changed
    -180: "_WAIT_COORD",  # the coordinator is being looked for
    -178: "_IN_PROGRESS",
    -177: "_PREV_IN_PROGRESS",
    -166: "_TIMED_OUT_QUEUE",
    -164: "_WAIT_CACHE",  # metadata is on its way
    -163: "_INTR",  # interrupted by a signal
    -153: "_RETRY",
    -137: "_DESTROY_BROKER",  # the broker left the cluster's metadata while it was asked
}

PASSING_SQLSTATES: Final = ("08", "40", "53", "57P")

PASSING_STATUSES: Final = frozenset({408, 429, 502, 503, 504})

# Answered before anything was done about the request.
_UNHEARD_STATUSES: Final = frozenset({429, 503})

# The supervisor's fault while it shuts down, as the first part of its restart.
_SUPERVISOR_SHUTS_DOWN: Final = 6

_PASSING_ERRNOS: Final = frozenset(
    {
        errno.EADDRNOTAVAIL,  # no free outgoing port for the moment
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.ENETRESET,
        errno.ENETUNREACH,
        errno.ENOBUFS,
        errno.ETIMEDOUT,
    }
)

# What PostgreSQL's server says at the door when the state, which libpq keeps to itself, is 53 or 57P.
_PASSING_REFUSALS: Final = re.compile(
    r"the database system is (starting up|shutting down|in recovery mode|not (yet )?accepting connections)"
    r"|too many (clients already|connections for (role|database))"
    r"|remaining connection slots are reserved"
    r"|number of requested standby connections exceeds"
    r"|terminating connection"
    r"|out of memory|out of shared memory|No space left on device|could not fork new process"
)

# What a server of PostgreSQL, whose severities are words of its own language, or libpq itself will say the next time too.
_LASTING_REFUSALS: Final = re.compile(
    r"\b(FATAL|ERROR|PANIC):"
    r"|no password supplied|certificate|does not support SSL|SSL was required|authentication"
    r"|invalid (port|connection|integer|sslmode|channel_binding|value)"
)


def passes_by_itself(error: BaseException) -> bool:
    """Whether doing the same again, after a while and on a new connection, may succeed without anybody's help."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        if (verdict := _verdict(cause)) is not None:
            return verdict
        cause = cause.__cause__
    return False


def was_not_heard(error: BaseException) -> bool:
    """Whether the other side has certainly done nothing about the request: even what must not happen twice may be retried."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in _UNHEARD_STATUSES
    if isinstance(error, xmlrpc.client.ProtocolError):
        return error.errcode in _UNHEARD_STATUSES
    if isinstance(error, xmlrpc.client.Fault):
        return error.faultCode == _SUPERVISOR_SHUTS_DOWN
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        return was_not_heard(error.reason)
    if (status := _status_of(error)) is not None:
        return status in _UNHEARD_STATUSES
    if any(_is_a(error, ("httpx",), name) for name in ("ConnectTimeout", "PoolTimeout")):
        return True
    if _is_a(error, ("httpx",), "NetworkError") and (below := _operating_systems_error(error)) is not None:
        return was_not_heard(below)
    if isinstance(error, ConnectionRefusedError | socket.gaierror):
        return True
    return error.__cause__ is not None and was_not_heard(error.__cause__)


def _verdict(error: BaseException) -> bool | None:
    """Whether it passes; None when the error is of no engine, so that what it was raised from decides."""
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if isinstance(state, str):
        return state.startswith(PASSING_SQLSTATES)
    if _is_a(error, ("psycopg", "psycopg2"), "OperationalError"):
        return _login_passes(error)
    if _is_a(error, ("confluent_kafka",), "KafkaException"):
        return _kafka_passes(error.args[0]) if error.args else False
    if _is_a(error, ("redis",), "RedisError"):
        return _redis_passes(error)
    if isinstance(error, urllib.error.HTTPError):
        return error.code in PASSING_STATUSES
    if isinstance(error, xmlrpc.client.ProtocolError):
        return error.errcode in PASSING_STATUSES
    if isinstance(error, xmlrpc.client.Fault):
        return error.faultCode == _SUPERVISOR_SHUTS_DOWN
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, BaseException):
        return passes_by_itself(error.reason)
    if isinstance(error, urllib.error.ContentTooShortError | http.client.IncompleteRead):
        return True
    if (status := _status_of(error)) is not None:
        return status in PASSING_STATUSES
    return _network_passes(error)


def _status_of(error: BaseException) -> int | None:
    """The status of the answer that httpx or requests made an error of."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _network_passes(error: BaseException) -> bool | None:
    if isinstance(error, ssl.SSLError):
        return isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError)
    if _is_a(error, ("requests",), "RequestException"):
        return not _is_a(error, ("requests",), "exceptions.SSLError") and any(
            _is_a(error, ("requests",), f"exceptions.{name}")
            for name in ("ConnectionError", "Timeout", "ChunkedEncodingError")
        )
    if _is_a(error, ("httpx",), "NetworkError") and (below := _operating_systems_error(error)) is not None:
        # Of a refused certificate, too; the operating system's error below it tells.
        return _network_passes(below)
    if _is_a(error, ("httpx",), "TransportError"):
        # The others tell of a request that cannot be asked, or of a proxy that refuses it.
        return any(
            _is_a(error, ("httpx",), name) for name in ("NetworkError", "TimeoutException", "RemoteProtocolError")
        )
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return True
    if isinstance(error, OSError):
        return error.errno in _PASSING_ERRNOS
    return None


def _operating_systems_error(error: BaseException) -> OSError | None:
    """What an error of httpx is of, which its own transport, httpcore, keeps as the cause or as the context alone."""
    below: BaseException | None = error
    while below is not None and not isinstance(below, OSError):
        below = below.__cause__ or below.__context__
    return below


def _kafka_passes(error: Any) -> bool:
    """``error`` is a ``KafkaError``, which is no exception."""
    if not hasattr(error, "code") or error.fatal():
        return False
    return error.code() in RETRIABLE_KAFKA_CODES or error.code() in PASSING_CLIENT_CODES


def _redis_passes(error: BaseException) -> bool:
    kind = getattr(error, "error_type", None)
    return getattr(kind, "value", None) == "network" or _is_a(error, ("redis",), "OutOfMemoryError")


def _login_passes(error: BaseException) -> bool:
    """Whether a connection to PostgreSQL that was not made, or that broke, may be made the next time.

    libpq tells the state of a refused login to nobody, only its text; without a refusal in it, the network failed.
    Of several hosts or addresses, each in a line of its own, a lasting refusal of one decides.
    """
    if getattr(getattr(error, "pgconn", None), "needs_password", False):
        return False
    return not any(
        _LASTING_REFUSALS.search(line) and not _PASSING_REFUSALS.search(line) for line in str(error).splitlines()
    )


def _is_a(error: BaseException, modules: tuple[str, ...], name: str) -> bool:
    """Whether ``error`` is of class ``name`` of one of these modules, none of which every environment has."""
    for module in modules:
        found: Any = sys.modules.get(module)
        for part in name.split("."):
            found = getattr(found, part, None)
        if isinstance(found, type) and isinstance(error, found):
            return True
    return False
