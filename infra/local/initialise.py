"""What is done once per platform, and again only when its inputs changed: data directories, roles, schemas, Superset."""

import os
import secrets
import shutil
import subprocess
from pathlib import Path

from infra.local.configuration import Configuration, postgres_user
from infra.local.environments import digest
from infra.local.machine import REPOSITORY
from infra.local.progress import Progress, StepError, run_quietly

from patternalarm.migrations.roles import ensure_roles
from patternalarm.migrations.upgrade import upgrade
from patternalarm.retrying import retrying


def _log(configuration: Configuration, name: str) -> Path:
    return configuration.home / "logs" / "initialise" / f"{name}.log"


def initdb_command(configuration: Configuration, password_file: Path) -> list[str]:
    """What makes PostgreSQL's data directory, with the superuser's password from a file."""
    return [
        str(configuration.postgres.path / "initdb"),
        f"--pgdata={configuration.postgres_data}",
        "--username=postgres",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
    ]


def kafka_format_command(configuration: Configuration) -> list[str]:
    """What formats Kafka's log directory for one node, if it is not."""
    return [
        *(str(configuration.jdk.path / "bin" / "java"), "-XX:TieredStopAtLevel=1"),
        *("-cp", f"{configuration.home}/jars/kafka/*", "kafka.tools.StorageTool", "format"),
        *("--standalone", "--ignore-formatted", "--cluster-id", secrets.token_urlsafe(16).replace("-", "A")),
        *("--config", str(configuration.home / "kafka" / "kafka.properties")),
    ]


def postgres_data(configuration: Configuration, progress: Progress) -> None:
    """PostgreSQL's data directory, owned by the user that it runs as."""
    if (configuration.postgres_data / "PG_VERSION").is_file():
        return
    user = postgres_user()
    directory = configuration.postgres_directory
    directory.mkdir(parents=True, exist_ok=True)
    password = directory / "superuser_password"
    with progress.step("initialising PostgreSQL", "PostgreSQL initialised"):
        # What an interrupted initdb left would make the next one refuse.
        shutil.rmtree(configuration.postgres_data, ignore_errors=True)
        password.touch(mode=0o600)
        password.write_text(configuration.secrets["PATTERNALARM_SUPERUSER_PASSWORD"])
        if user:
            os.chown(directory, user.pw_uid, user.pw_gid)
            os.chown(password, user.pw_uid, user.pw_gid)
        result = subprocess.run(
            initdb_command(configuration, password),
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        password.unlink()
        if result.returncode != 0:
            raise StepError(f"PostgreSQL could not be initialised:\n{result.stdout}{result.stderr}")


def kafka_storage(configuration: Configuration, progress: Progress) -> None:
    """Kafka's log directory, formatted for one node."""
    if (configuration.home / "kafka" / "data" / "meta.properties").is_file():
        return
    with progress.step("formatting Kafka's storage", "Kafka's storage formatted"):
        run_quietly(
            "Kafka's storage tool",
            kafka_format_command(configuration),
            _log(configuration, "kafka-format"),
        )


def roles(configuration: Configuration, progress: Progress) -> None:
    """PostgreSQL's roles, with the passwords of the secrets file, and the three databases."""
    with progress.step("roles and databases"):
        settings = configuration.settings
        retrying("make roles and databases", settings.first_answer_seconds)(
            ensure_roles, settings, configuration.superuser_dsn
        )


def schema(configuration: Configuration, progress: Progress) -> None:
    """The platform's own tables, migrated to the newest version."""
    with progress.step("schema migrations"):
        settings = configuration.settings
        retrying("migrate the schema", settings.first_answer_seconds)(upgrade, settings)


class Once:
    """A piece of work that is done again only when the files it depends on have changed."""

    def __init__(self, configuration: Configuration, name: str, inputs: list[Path]) -> None:
        self._stamp = configuration.home / "initialised" / name
        self._fingerprint = digest(inputs)

    @property
    def is_done(self) -> bool:
        """Whether it was done with these very inputs."""
        return self._stamp.is_file() and self._stamp.read_text() == self._fingerprint

    def note(self) -> None:
        """It was done."""
        self._stamp.parent.mkdir(parents=True, exist_ok=True)
        self._stamp.write_text(self._fingerprint)


def airflow(configuration: Configuration, progress: Progress) -> None:
    """Airflow's metadata database, migrated to the installed version."""
    once = Once(configuration, "airflow", [REPOSITORY / "uv.lock"])
    if once.is_done:
        return
    with progress.step("migrating Airflow's database", "Airflow's database migrated"):
        run_quietly(
            "airflow db migrate",
            [configuration.home / "bin/airflow", "db", "migrate"],
            _log(configuration, "airflow"),
            env=configuration.supervised_environment(),
        )
    once.note()


def superset(configuration: Configuration, progress: Progress) -> None:
    """Superset's metadata database, roles, administrator and dashboards, in one process."""
    directory = REPOSITORY / "superset"
    inputs = [REPOSITORY / "uv.lock", *directory.glob("*.py"), *directory.glob("assets/**/*.yaml")]
    once = Once(configuration, "superset", inputs)
    if once.is_done:
        return
    with progress.step("initialising Superset", "Superset initialised"):
        run_quietly(
            "Superset's initialisation",
            [configuration.home / "bin/superset-python", directory / "initialise.py", "--publish"],
            _log(configuration, "superset"),
            env=configuration.supervised_environment(),
        )
    once.note()
