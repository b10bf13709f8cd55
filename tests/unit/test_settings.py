"""A setting that does not exist is told, not ignored, wherever it is set."""

import re
import subprocess

import pytest

from patternalarm import settings
from patternalarm.cli.__main__ import main
from patternalarm.settings import REPOSITORY, SettingsError, check_env_file, get_settings, unknown_settings


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
