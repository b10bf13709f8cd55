"""What stands in one place, and which room may know which."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from patternalarm.settings import REPOSITORY

PACKAGE = "plugins/patternalarm"
ROOMS = ("plugins", "dags", "spark_jobs", "flink_jobs", "superset", "dbt")
TEXT = {".py", ".yaml", ".yml", ".sql", ".java", ".properties", ".template", ".html"}


def sources(*rooms: str) -> list[str]:
    """Tracked text files but the Java tests; ``infra/local``, which is this machine, is in no room."""
    listed = subprocess.run(["git", "ls-files", *rooms], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    names = [name for name in listed.stdout.splitlines() if "/src/test/" not in name]
    return [name for name in names if Path(name).suffix in TEXT and (REPOSITORY / name).is_file()]


def holding(pattern: str) -> set[str]:
    """Files that hold what ``pattern`` matches."""
    return {name for name in sources(*ROOMS) if re.search(pattern, (REPOSITORY / name).read_text(encoding="utf-8"))}


def imported(name: str) -> set[str]:
    """Modules that a file imports, at its top or within."""
    found = set()
    for node in ast.walk(ast.parse((REPOSITORY / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def importing(prefix: str, *rooms: str) -> set[str]:
    """Python files of ``rooms`` that import a module of this prefix."""
    python = [name for name in sources(*rooms) if name.endswith(".py")]
    return {name for name in python if any(f"{module}.".startswith(prefix) for module in imported(name))}


def test_one_setting_knows_the_loopback_address():
    assert holding(r"127\.0\.0\.1") == {f"{PACKAGE}/settings.py"}


def test_what_to_do_about_a_platform_that_is_down_is_said_in_one_place():
    assert holding(r"make (up|down)\b") == {f"{PACKAGE}/remedies.py"}


@pytest.mark.parametrize(
    ("way", "place"),
    [
        (r"psycopg\.(connect|Connection\.connect)\(", f"{PACKAGE}/postgres.py"),
        # Alembic wants an engine of SQLAlchemy, and Superset's environment has another driver.
        (r"\bcreate_engine\(", f"{PACKAGE}/migrations/upgrade.py"),
        (r"psycopg2\.connect", "superset/application.py"),
        (r"f.*(postgresql|\{driver\}).*://", f"{PACKAGE}/settings.py"),
    ],
)
def test_postgresql_is_connected_to_in_one_place_by_each_driver(way, place):
    assert holding(way) == {place}


def test_redis_is_connected_to_in_one_place():
    assert holding(r"\bRedis\(|redis://|\.from_url\(") == {f"{PACKAGE}/redis_client.py"}


def test_one_client_speaks_to_the_supervisor():
    speaking = {name for name in sources("plugins", "infra") if "ServerProxy(" in (REPOSITORY / name).read_text()}
    assert speaking == {f"{PACKAGE}/engines/local/supervisor.py"}


def test_the_engines_know_nothing_of_airflow():
    assert importing("airflow.", f"{PACKAGE}/engines") == set()


def test_nobody_but_the_chooser_knows_whose_engines_they_are():
    rooms = [f"{PACKAGE}", "dags", "spark_jobs", "flink_jobs", "superset"]
    knowing = importing("patternalarm.engines.local.", *rooms)
    assert {name for name in knowing if not name.startswith(f"{PACKAGE}/engines/local/")} == {
        f"{PACKAGE}/engines/target.py"
    }
