"""A setting that does not exist is told, not ignored, wherever it is set."""

import re
import subprocess
from typing import get_args

import psycopg
import pytest

from patternalarm import settings
from patternalarm.cli.__main__ import main
from patternalarm.settings import (
    LOOPBACK,
    REPOSITORY,
    Service,
    Settings,
    SettingsError,
    check_env_file,
    get_settings,
    unknown_settings,
)


@pytest.fixture(autouse=True)
def read_anew():
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        (
            "PATTERNALARM_KAFAK_PORT",
            "1",
            "unknown setting PATTERNALARM_KAFAK_PORT: did you mean PATTERNALARM_KAFKA_PORT?",
        ),
        ("PATTERNALARM_XYZ", "1", "unknown setting PATTERNALARM_XYZ: use one of PATTERNALARM_TARGET"),
        (
            "PATTERNALARM_KAFKA_PORT",
            "many",
            "wrong settings: PATTERNALARM_KAFKA_PORT=many: Input should be a valid integer",
        ),
        ("PATTERNALARM_SCORER_MODE", "batch", "wrong settings: PATTERNALARM_SCORER_MODE=batch"),
    ],
)
def test_an_environment_that_sets_what_cannot_be(monkeypatch, capsys, name, value, told):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        get_settings()
    assert str(refused.value).startswith(told)
    assert "\n" not in str(refused.value)
    assert main(["load-test"]) == 2
    assert capsys.readouterr().err.startswith(f"error: {told}")


def test_a_client_looks_where_it_is_told_and_else_at_the_advertised_host_and_port(monkeypatch):
    # A server that listens on every address is not found by that one.
    there = Settings(bind_host="0.0.0.0", advertised_host="platform.example", kafka_port=1, flink_rest_port=2)
    assert there.kafka_bootstrap == "platform.example:1"
    assert there.flink_url == "http://platform.example:2"
    elsewhere = there.model_copy(update={"kafka_address": "kafka.example:9092", "postgres_address": "::1:5"})
    assert elsewhere.kafka_bootstrap == "kafka.example:9092"
    assert elsewhere.address("postgres") == ("::1", 5)
    assert elsewhere.flink_url == there.flink_url


@pytest.mark.parametrize("service", get_args(Service))
def test_every_service_has_an_address_of_its_own(service):
    assert str(Settings().address(service)) == f"{LOOPBACK}:{Settings().address(service).port}"
    assert str(Settings(**{f"{service}_address": "h:1"}).address(service)) == "h:1"


@pytest.mark.parametrize("wrong", ["kafka", "kafka:", "kafka:port", ":9092x", "a b:1"])
def test_an_address_without_host_or_port_is_refused(monkeypatch, wrong):
    monkeypatch.setenv("PATTERNALARM_KAFKA_ADDRESS", wrong)
    with pytest.raises(SettingsError, match="PATTERNALARM_KAFKA_ADDRESS"):
        get_settings()


def test_a_password_may_hold_what_a_uri_ends_at():
    dsn = Settings(postgres_address="db.example:5").dsn("role", "p@ss:/?#", "base")
    assert psycopg.conninfo.conninfo_to_dict(dsn) == {
        "user": "role",
        "password": "p@ss:/?#",
        "host": "db.example",
        "port": "5",
        "dbname": "base",
    }
    assert "password" not in psycopg.conninfo.conninfo_to_dict(Settings().dsn("role", ""))


def test_no_password_is_proposed():
    (told,) = unknown_settings(["PATTERNALARM_XYZ"])
    assert "PASSWORD" not in told


def test_an_env_file_is_read_line_by_line(tmp_path):
    file = tmp_path / ".env"
    check_env_file(file)
    file.write_text("# ports\n\nPATTERNALARM_KAFKA_PORT=1\nPATTERNALARM_BIND_HOST=\n")
    check_env_file(file)
    file.write_text(
        "PATTERNALARM_KAFAK_PORT=1\nKAFKA_PORT=1\nexport PATTERNALARM_BIND_HOST=x\nPATTERNALARM_BIND_HOST = x\n"
    )
    with pytest.raises(SettingsError) as refused:
        check_env_file(file)
    told = str(refused.value).split("; ")
    assert told[0] == "line 1 of .env: unknown setting PATTERNALARM_KAFAK_PORT: did you mean PATTERNALARM_KAFKA_PORT?"
    assert [text.split(":")[0] for text in told[1:]] == [f"line {number} of .env is no setting" for number in (2, 3, 4)]


def test_the_example_sets_what_exists(tmp_path):
    file = tmp_path / ".env"
    example = (REPOSITORY / ".env.example").read_text()
    file.write_text(re.sub(r"^#(PATTERNALARM_)", r"\1", example, flags=re.MULTILINE))
    check_env_file(file)
    assert file.read_text().count("\nPATTERNALARM_") > 10


def test_every_variable_that_the_repository_speaks_of_is_known():
    """Whoever reads a variable of this prefix elsewhere than in the settings names it there, or setting it is refused."""
    sources = subprocess.run(
        [
            "git",
            "ls-files",
            "plugins",
            "infra",
            "dags",
            "spark_jobs",
            "flink_jobs",
            "superset",
            "dbt",
            "Makefile",
            "README.md",
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    names = set()
    for source in sources:
        if (REPOSITORY / source).suffix not in (".png", ".npz"):
            names |= set(re.findall(rf"{settings.PREFIX}[A-Z0-9_]*[A-Z0-9]\b", (REPOSITORY / source).read_text()))
    assert len(names) > 10
    assert unknown_settings(names) == []
