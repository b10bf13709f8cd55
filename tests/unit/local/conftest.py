"""The local platform's modules are run from the repository's root and are no part of the package."""

import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY))


@pytest.fixture
def configuration(tmp_path, monkeypatch):
    """Makes the configuration of a platform in a directory of its own, with engines that are only pretended."""
    from infra.local.configuration import Configuration, ensure_secrets
    from infra.local.machine import Found

    from patternalarm.settings import Settings

    pyflink = tmp_path / "venvs" / "flink" / "lib" / "python3.11" / "site-packages" / "pyflink"
    (pyflink / "conf").mkdir(parents=True)
    (pyflink / "lib").mkdir()
    (pyflink / "lib" / "flink-dist.jar").touch()
    (pyflink / "conf" / "config.yaml").write_text("env: {java: {opts: {all: --add-opens=packaged}}}\n")

    def make(**changes):
        home = tmp_path / "home"
        ensure_secrets(home)
        settings = Settings(_env_file=home / "secrets.env", **{"home": home, "venvs": tmp_path / "venvs", **changes})
        made = Configuration(settings)
        made.__dict__["jdk"] = Found(tmp_path / "jdk", "17.0.1")
        made.__dict__["postgres"] = Found(tmp_path / "postgres" / "bin", "15.1")
        made.__dict__["redis"] = Found(tmp_path / "redis" / "bin" / "redis-server", "7.0.15")
        return made

    return make
