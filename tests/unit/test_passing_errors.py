"""Every code that an engine knows is judged, and the table comes from the jar that is shipped."""

import errno
import http.client
import socket
import ssl
import subprocess
import sys
import threading
import urllib.error
import xmlrpc.client
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import httpcore
import httpx
import psycopg
import pytest
import redis
import sqlalchemy.exc
from confluent_kafka import KafkaError, KafkaException

from patternalarm.passing_errors import (
    PASSING_CLIENT_CODES,
    PASSING_STATUSES,
    RETRIABLE_KAFKA_CODES,
    passes_by_itself,
    was_not_heard,
)

REPOSITORY = Path(__file__).resolve().parents[2]
TABLE = REPOSITORY / "plugins/patternalarm/retriable_kafka_errors.csv"

KAFKA_CODES = {
    code: name for name in dir(KafkaError) if isinstance(code := getattr(KafkaError, name), int) and name.isupper()
}

# librdkafka's own codes that never pass: a new one of a newer librdkafka must be added here or to those that pass.
LASTING_CLIENT_CODES = {
    "_BAD_MSG", "_BAD_COMPRESSION", "_DESTROY", "_CRIT_SYS_RESOURCE", "_PARTITION_EOF", "_FS",
    "_UNKNOWN_TOPIC", "_INVALID_ARG", "_SSL", "_UNKNOWN_GROUP", "_EXISTING_SUBSCRIPTION", "_ASSIGN_PARTITIONS",
    "_REVOKE_PARTITIONS", "_CONFLICT", "_STATE", "_UNKNOWN_PROTOCOL", "_NOT_IMPLEMENTED", "_AUTHENTICATION",
    "_NO_OFFSET", "_OUTDATED", "_UNSUPPORTED_FEATURE", "_KEY_SERIALIZATION", "_VALUE_SERIALIZATION",
    "_KEY_DESERIALIZATION", "_VALUE_DESERIALIZATION", "_PARTIAL", "_READ_ONLY", "_NOENT", "_UNDERFLOW",
    "_INVALID_TYPE", "_PURGE_QUEUE", "_PURGE_INFLIGHT", "_FATAL", "_INCONSISTENT", "_GAPLESS_GUARANTEE",
    "_MAX_POLL_EXCEEDED", "_UNKNOWN_BROKER", "_NOT_CONFIGURED", "_FENCED", "_APPLICATION", "_ASSIGNMENT_LOST",
    "_NOOP", "_AUTO_OFFSET_RESET", "_LOG_TRUNCATION", "_INVALID_DIFFERENT_RECORD",
}  # fmt: skip


def test_the_table_is_what_the_jar_says():
    generator = REPOSITORY / "infra/local/jars/kafka/RetriableErrors.java"
    made = subprocess.run(
        ["java", "-cp", f"{REPOSITORY}/.local/jars/kafka/*", str(generator)], capture_output=True, text=True, check=True
    )
    assert len(made.stdout.splitlines()) > 20
    assert TABLE.read_text() == made.stdout


def test_the_table_is_read_whole():
    assert len(RETRIABLE_KAFKA_CODES) == len(TABLE.read_text().splitlines()) - 2 > 20
    assert RETRIABLE_KAFKA_CODES[KafkaError.UNKNOWN_LEADER_EPOCH] == "UNKNOWN_LEADER_EPOCH"


@pytest.mark.parametrize("code", sorted(KAFKA_CODES), ids=lambda code: KAFKA_CODES[code])
def test_every_code_of_kafka_is_judged(code):
    if code < -1:
        passes = PASSING_CLIENT_CODES.get(code) == KAFKA_CODES[code]
        assert passes != (KAFKA_CODES[code] in LASTING_CLIENT_CODES), "decide about this code"
    else:
        passes = code in RETRIABLE_KAFKA_CODES
    assert passes_by_itself(KafkaException(KafkaError(code))) is passes


def test_no_code_is_listed_that_librdkafka_does_not_have():
    assert set(PASSING_CLIENT_CODES) <= set(KAFKA_CODES)
    assert set(KAFKA_CODES.values()) >= LASTING_CLIENT_CODES


@pytest.mark.parametrize(
    "name",
    [
        "UNKNOWN_LEADER_EPOCH", "FENCED_LEADER_EPOCH", "NOT_LEADER_FOR_PARTITION", "LEADER_NOT_AVAILABLE",
        "UNKNOWN_TOPIC_OR_PART", "NOT_CONTROLLER", "REQUEST_TIMED_OUT", "COORDINATOR_NOT_AVAILABLE",
        "NOT_ENOUGH_REPLICAS", "KAFKA_STORAGE_ERROR", "_TRANSPORT", "_TIMED_OUT", "_ALL_BROKERS_DOWN",
    ],
)  # fmt: skip
def test_what_kafka_says_while_it_settles_passes(name):
    assert passes_by_itself(KafkaException(KafkaError(getattr(KafkaError, name))))


@pytest.mark.parametrize(
    "name",
    ["_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "_SSL", "TOPIC_AUTHORIZATION_FAILED", "TOPIC_ALREADY_EXISTS",
     "INVALID_CONFIG", "MSG_SIZE_TOO_LARGE", "OFFSET_OUT_OF_RANGE", "_FATAL"],
)  # fmt: skip
def test_what_kafka_refuses_does_not(name):
    assert not passes_by_itself(KafkaException(KafkaError(getattr(KafkaError, name))))


def test_a_fatal_error_never_passes_whatever_its_code():
    assert not passes_by_itself(KafkaException(KafkaError(KafkaError._TRANSPORT, "over", True)))
    assert not passes_by_itself(KafkaException())


def test_every_sqlstate_is_judged_by_its_class():
    known = [kind for kind in vars(psycopg.errors).values() if isinstance(kind, type)]
    judged = [kind for kind in known if isinstance(getattr(kind, "sqlstate", None), str)]
    assert len(judged) > 200
    for kind in judged:
        expected = kind.sqlstate[:2] in {"08", "40", "53"} or kind.sqlstate[:3] == "57P"
        assert passes_by_itself(kind("x")) is expected, kind.sqlstate


@pytest.mark.parametrize("state", ["57P03", "57P01", "53300", "40P01", "40001", "08006"])
def test_what_postgresql_says_in_passing_passes_from_every_driver(state):
    assert passes_by_itself(psycopg.errors.lookup(state)("x"))
    asyncpg_like = type("PostgresError", (Exception,), {"sqlstate": state})
    psycopg2_like = type("Error", (Exception,), {"pgcode": state})
    assert passes_by_itself(asyncpg_like()) and passes_by_itself(psycopg2_like())


@pytest.mark.parametrize("state", ["28P01", "28000", "3D000", "42P01", "42501", "23505", "22001", "57014", "25006"])
def test_what_postgresql_refuses_does_not(state):
    assert not passes_by_itself(psycopg.errors.lookup(state)("x"))


# Errors of Redis's client that never pass: a new one of a newer client must be judged here too.
PASSING_REDIS_ERRORS = {
    "ConnectionError", "TimeoutError", "BusyLoadingError", "MaxConnectionsError", "ExternalAuthProviderError", "OutOfMemoryError",
}  # fmt: skip
LASTING_REDIS_ERRORS = {
    "RedisError", "AuthenticationError", "AuthorizationError", "InvalidResponse", "ResponseError", "DataError", "PubSubError",
    "WatchError", "NoScriptError", "ExecAbortError", "ReadOnlyError", "NoPermissionError", "ModuleError", "LockError",
    "LockNotOwnedError", "AuthenticationWrongNumberOfArgsError", "ClusterError", "ClusterDownError", "AskError",
    "TryAgainError", "ClusterCrossSlotError", "MovedError", "MasterDownError",
}  # fmt: skip


def test_every_error_of_redis_is_judged_by_its_client():
    errors = {
        name: kind
        for name, kind in vars(redis.exceptions).items()
        if isinstance(kind, type) and issubclass(kind, redis.exceptions.RedisError)
    }
    assert errors.keys() == PASSING_REDIS_ERRORS | LASTING_REDIS_ERRORS
    for name, kind in errors.items():
        assert passes_by_itself(kind("1 host:1")) is (name in PASSING_REDIS_ERRORS), name


AT = 'connection failed: connection to server at "127.0.0.1", port 15432 failed: '


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?", True),
        ("server closed the connection unexpectedly", True),
        ("timeout expired", True),
        ("FATAL:  the database system is starting up", True),
        ("FATAL:  the database system is shutting down", True),
        ("FATAL:  the database system is in recovery mode", True),
        ("FATAL:  the database system is not yet accepting connections\nDETAIL:  Consistent recovery state", True),
        ("FATAL:  sorry, too many clients already", True),
        ('FATAL:  too many connections for role "platform"', True),
        ("FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute", True),
        ("FATAL:  terminating connection due to administrator command", True),
        ('FATAL:  password authentication failed for user "platform"', False),
        ('FATAL:  database "patternalarm" does not exist', False),
        ('FATAL:  role "platform" does not exist', False),
        ('FATAL:  permission denied for database "patternalarm"', False),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1"', False),
        ("FATAL:  Passwort-Authentifizierung für Benutzer »platform« fehlgeschlagen", False),
        ("fe_sendauth: no password supplied", False),
        ("SSL error: certificate verify failed", False),
        ("server does not support SSL, but SSL was required", False),
    ],
)
def test_a_login_is_judged_by_what_libpq_tells_of_it(text, passes):
    assert passes_by_itself(psycopg.OperationalError(AT + text)) is passes


def test_of_several_addresses_a_lasting_refusal_decides():
    said = f"{AT}Connection refused\n{AT}FATAL:  password authentication failed"
    assert not passes_by_itself(psycopg.OperationalError(said))


def test_a_connection_that_broke_passes_and_a_missing_password_does_not(monkeypatch):
    assert passes_by_itself(psycopg.OperationalError("the connection is closed"))
    assert passes_by_itself(psycopg.errors.ConnectionTimeout("connection timeout expired"))
    error = psycopg.OperationalError("connection is bad")
    monkeypatch.setattr(error, "_pgconn", SimpleNamespace(needs_password=True))
    assert not passes_by_itself(error)


def test_an_error_is_judged_by_what_it_was_raised_from():
    lost = psycopg.errors.AdminShutdown("terminating connection")
    wrapped = sqlalchemy.exc.OperationalError("SELECT 1", {}, lost)
    wrapped.__cause__ = lost
    outer = RuntimeError("the ledger cannot be read")
    outer.__cause__ = wrapped
    assert passes_by_itself(outer)
    outer.__cause__ = psycopg.errors.InvalidPassword("no")
    assert not passes_by_itself(outer)
    assert not passes_by_itself(RuntimeError("a defect"))
    ring = RuntimeError("a")
    ring.__cause__ = ring
    assert not passes_by_itself(ring)


def http_error(status):
    return urllib.error.HTTPError("http://flink", status, "no", http.client.HTTPMessage(), None)


def httpx_status_error(status):
    with pytest.raises(httpx.HTTPStatusError) as raised:
        httpx.Response(status, request=httpx.Request("GET", "http://flink")).raise_for_status()
    return raised.value


def caused(error, *causes):
    """``error`` as it is raised from ``causes``, the innermost last."""
    for outer, inner in pairwise((error, *causes)):
        outer.__cause__ = inner
    return error


@pytest.mark.parametrize("status", [*range(400, 432), *range(500, 512)])
def test_http_is_judged_by_the_status(status):
    expected = status in {408, 429, 502, 503, 504}
    assert passes_by_itself(http_error(status)) is expected is (status in PASSING_STATUSES)
    assert passes_by_itself(xmlrpc.client.ProtocolError("http://supervisor", status, "no", {})) is expected
    requests_like = type("HTTPError", (Exception,), {"response": SimpleNamespace(status_code=status)})
    assert passes_by_itself(requests_like()) is expected
    assert passes_by_itself(httpx_status_error(status)) is expected


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        ConnectionResetError(),
        BrokenPipeError(),
        TimeoutError(),
        socket.gaierror(socket.EAI_AGAIN, "temporary failure in name resolution"),
        OSError(errno.EHOSTUNREACH, "no route to host"),
        OSError(errno.ENETUNREACH, "network is unreachable"),
        http.client.RemoteDisconnected("gone"),
        http.client.IncompleteRead(b""),
        urllib.error.URLError(ConnectionRefusedError()),
        urllib.error.URLError(TimeoutError()),
        ssl.SSLEOFError(),
        xmlrpc.client.Fault(6, "SHUTDOWN_STATE"),
        httpx.ReadTimeout("timed out"),
        httpx.ConnectTimeout("timed out"),
        httpx.RemoteProtocolError("server disconnected without sending a response"),
        httpx.ConnectError("no cause told"),
        caused(httpx.ConnectError("refused"), httpcore.ConnectError(), ConnectionRefusedError()),
        caused(httpx.ConnectError("no name"), httpcore.ConnectError(), socket.gaierror(socket.EAI_AGAIN, "no")),
        caused(httpx.ReadError("reset"), httpcore.ReadError(), ConnectionResetError()),
    ],
    ids=repr,
)
def test_a_network_that_fails_for_a_moment_passes(error):
    assert passes_by_itself(error)


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "no such file"),
        PermissionError(errno.EACCES, "denied"),
        OSError(errno.ENOSPC, "no space"),
        ssl.SSLCertVerificationError(),
        urllib.error.URLError(ssl.SSLCertVerificationError()),
        urllib.error.URLError("unknown url type: htpp"),
        http.client.InvalidURL(),
        xmlrpc.client.Fault(10, "BAD_NAME"),
        caused(httpx.ConnectError("bad certificate"), httpcore.ConnectError(), ssl.SSLCertVerificationError()),
        httpx.UnsupportedProtocol("htpp"),
        httpx.LocalProtocolError("illegal header"),
        httpx.ProxyError("407"),
        httpx.InvalidURL("no host"),
        ValueError("a defect"),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_what_is_wrong_stays_wrong(error):
    assert not passes_by_itself(error)


def test_what_must_not_happen_twice_is_only_retried_when_nobody_heard_it():
    for unheard in (http_error(503), http_error(429), urllib.error.URLError(ConnectionRefusedError())):
        assert was_not_heard(unheard)
    for heard in (http_error(504), http_error(502), TimeoutError(), ConnectionResetError(), http_error(500)):
        assert not was_not_heard(heard)
    for unheard in (
        httpx_status_error(503),
        httpx.ConnectTimeout("timed out"),
        caused(httpx.ConnectError("refused"), httpcore.ConnectError(), ConnectionRefusedError()),
    ):
        assert was_not_heard(unheard)
    for heard in (
        httpx_status_error(504),
        httpx.ReadTimeout("timed out"),
        httpx.RemoteProtocolError("server disconnected without sending a response"),
        caused(httpx.ReadError("reset"), httpcore.ReadError(), ConnectionResetError()),
        caused(httpx.ConnectError("bad certificate"), httpcore.ConnectError(), ssl.SSLCertVerificationError()),
    ):
        assert not was_not_heard(heard)
    told = RuntimeError("Flink does not answer")
    told.__cause__ = ConnectionRefusedError()
    assert was_not_heard(told)


def answered_by(answer, scheme="http"):
    """The real error of a request to who says ``answer`` and hangs up; to nobody when it is None."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        if answer is None:
            server.close()

        def hang_up():
            connection, _ = server.accept()
            connection.recv(1)
            connection.sendall(answer)
            connection.close()

        thread = threading.Thread(target=hang_up)
        if answer is not None:
            thread.start()
        with pytest.raises(httpx.TransportError) as raised:
            httpx.get(f"{scheme}://127.0.0.1:{port}", trust_env=False, timeout=10)
        if answer is not None:
            thread.join()
    return raised.value


def test_errors_that_httpx_really_raises_are_judged():
    # Its transport does not say what an error was raised from: a refused connection was taken for one that lasts.
    refused, hung_up, no_tls = answered_by(None), answered_by(b""), answered_by(b"no TLS", "https")
    assert passes_by_itself(refused) and was_not_heard(refused)
    assert passes_by_itself(hung_up) and not was_not_heard(hung_up)
    assert not passes_by_itself(no_tls) and not was_not_heard(no_tls)
    told = RuntimeError("Flink does not answer")
    told.__cause__ = refused
    assert passes_by_itself(told) and was_not_heard(told)


def test_no_client_library_is_needed_to_judge():
    program = """
import sys
from patternalarm.passing_errors import passes_by_itself
assert passes_by_itself(ConnectionRefusedError()) and not passes_by_itself(ValueError())
assert not {"confluent_kafka", "httpx", "psycopg", "psycopg2", "requests"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
