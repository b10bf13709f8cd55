"""Environment -> typed settings. The one place of ports, hosts, paths and database names."""

import os
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from patternalarm.contracts.jobs import ScorerMode
from patternalarm.did_you_mean import did_you_mean

REPOSITORY = Path(__file__).resolve().parent.parent.parent

PREFIX = "PATTERNALARM_"
# Of the same prefix, but read by the one program that each of them is for.
OTHER_VARIABLES = frozenset(
    f"{PREFIX}{name}"
    for name in ("POSTGRES_BIN", "SUPERSET_SECRET_KEY", "SUPERUSER_PASSWORD", "SUPERVISED_BY", "TEST_SUPERUSER_DSN")
)


# The default of every address. A platform of several machines sets others; nothing else may know this one.
LOOPBACK = "127.0.0.1"

SupervisorService = Literal["supervisor", "generator_supervisor"]
Service = Literal["kafka", "postgres", "redis", "zookeeper", "flink", "airflow", "api", "superset", SupervisorService]


class Address(NamedTuple):
    """Where a client finds a service."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class SettingsError(ValueError):
    """A setting that does not exist or cannot be; the message names it with the remedy."""


class Target(StrEnum):
    """Where the engines run; operators are chosen by it, in one place."""

    LOCAL = "local"
    AWS = "aws"


_ADDRESS: Final = r"^(\S+:\d{1,5})?$"


def _address_field() -> Any:
    return Field(
        default="",
        pattern=_ADDRESS,
        description="host:port where clients find the service; the advertised host and the service's port by default.",
    )


class Settings(BaseSettings):
    """Settings of the platform, each from ``PATTERNALARM_<NAME>`` in the environment or in ``<home>/secrets.env``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="ignore")

    target: Target = Target.LOCAL
    home: Path = Field(default=REPOSITORY / ".local", description="State of the local platform: data, logs, models.")
    venvs: Path = Field(default=REPOSITORY / ".venvs", description="The Python environments, one per engine.")

    # Three things: where servers listen, how those that name themselves to their clients do, and where clients look.
    bind_host: str = Field(default=LOOPBACK, description="Address that every server of this machine listens on.")
    advertised_host: str = Field(default=LOOPBACK, description="Name of this machine as clients are told it.")
    kafka_address: str = _address_field()
    postgres_address: str = _address_field()
    redis_address: str = _address_field()
    zookeeper_address: str = _address_field()
    flink_address: str = _address_field()
    airflow_address: str = _address_field()
    api_address: str = _address_field()
    superset_address: str = _address_field()
    supervisor_address: str = _address_field()
    generator_supervisor_address: str = Field(
        default="",
        pattern=_ADDRESS,
        description="host:port of the supervisor under which generators run; that of all jobs by default.",
    )

    kafka_port: int = 19092
    kafka_controller_port: int = 19093
    postgres_port: int = 15432
    redis_port: int = 16379
    flink_rest_port: int = 18081
    flink_rpc_port: int = 18082
    zookeeper_port: int = 12181
    airflow_port: int = 18080
    api_port: int = 18000
    superset_port: int = 18088
    supervisor_port: int = 19001

    redis_memory_mib: int = Field(default=256, ge=16, description="What Redis may keep; beyond it the oldest goes.")

    database: str = "patternalarm"
    airflow_database: str = "airflow"
    superset_database: str = "superset"

    # Passwords are generated into <home>/secrets.env, mode 600.
    supervisor_password: str = ""
    owner_password: str = ""
    scorer_password: str = ""
    platform_password: str = ""
    dbt_password: str = ""
    reader_password: str = ""
    api_password: str = ""
    redis_password: str = ""
    airflow_db_password: str = ""
    superset_db_password: str = ""
    airflow_admin_password: str = ""
    airflow_api_password: str = Field(default="", description="Of Airflow's user as whom the API triggers and reads.")
    session_password: str = Field(default="", description="Signs the cookies of browser sessions with the API.")
    superset_admin_password: str = ""

    patience_seconds: float = Field(
        default=600, ge=0, description="How long an error that passes by itself is waited out, by whatever is at work."
    )
    first_answer_seconds: float = Field(
        default=60,
        ge=0,
        description="The same before work begins: who asks for a run, or starts the platform, is told soon.",
    )

    flink_slots: int = 8
    flink_parallelism: int = 2
    scorer_mode: ScorerMode = ScorerMode.REALTIME

    # Days in UTC; an event_time before the first or after the beginning of the last is no time but another unit or a broken
    # clock. Epoch 0 must stay outside: it is the clock of what has none.
    earliest_event_time: date = Field(default=date(2000, 1, 1), gt=date(1970, 1, 1))
    latest_event_time: date = Field(default=date(2100, 1, 1), lt=date(9999, 1, 1))

    @property
    def event_times_ms(self) -> tuple[int, int]:
        """The earliest and the latest event time, epoch milliseconds UTC."""
        earliest, latest = (
            round(datetime.combine(day, time(), UTC).timestamp() * 1000)
            for day in (self.earliest_event_time, self.latest_event_time)
        )
        return earliest, latest

    def address(self, service: Service) -> Address:
        """Where clients find ``service``."""
        told: str = getattr(self, f"{service}_address")
        if told:
            host, _, port = told.rpartition(":")
            return Address(host, int(port))
        if service == "generator_supervisor":
            return self.address("supervisor")
        ports = {"flink": self.flink_rest_port}
        return Address(self.advertised_host, ports.get(service) or getattr(self, f"{service}_port"))

    @property
    def kafka_bootstrap(self) -> str:
        """Kafka's bootstrap servers."""
        return str(self.address("kafka"))

    def page(self, service: Literal["airflow", "superset"]) -> str:
        """Base URL of a service's pages in the browser of whoever sits before this machine."""
        port = {"airflow": self.airflow_port, "superset": self.superset_port}[service]
        return f"http://{self.advertised_host}:{port}"

    @property
    def flink_url(self) -> str:
        """Base URL of Flink's REST API."""
        return f"http://{self.address('flink')}"

    @property
    def airflow_url(self) -> str:
        """Base URL of Airflow's UI and API."""
        return f"http://{self.address('airflow')}"

    @property
    def api_url(self) -> str:
        """Base URL of the platform's own API."""
        return f"http://{self.address('api')}"

    @property
    def superset_url(self) -> str:
        """Base URL of Superset."""
        return f"http://{self.address('superset')}"

    @property
    def models_dir(self) -> Path:
        """``<domain>/<version>/`` of trained models."""
        return self.home / "models"

    @property
    def feature_log_dir(self) -> Path:
        """Parquet archive of the features topics, by domain and date."""
        return self.home / "feature_log"

    @property
    def score_log_dir(self) -> Path:
        """Parquet archive of the scores topics, by domain and scope."""
        return self.home / "score_log"

    @property
    def reports_dir(self) -> Path:
        """``<run_id>/report.json`` and ``report.html``."""
        return self.home / "reports"

    @property
    def runs_dir(self) -> Path:
        """``<run_id>/``: checkpoints and scratch files of a run, dropped with its topics."""
        return self.home / "runs"

    @property
    def logs_dir(self) -> Path:
        """Logs of every process under the supervisor."""
        return self.home / "logs"

    @property
    def jars_dir(self) -> Path:
        """Jars fetched by Maven: ``kafka/``, ``flink/``, ``spark/`` and the feature module."""
        return self.home / "jars"

    def supervisor_dir(self, service: SupervisorService) -> Path:
        """Files of a supervisor: its configuration, ``run.d/`` and ``ready/`` for the processes of runs."""
        return self.home / service

    def python(self, environment: str) -> Path:
        """The Python of one of the environments: airflow, flink, spark, dbt, superset, services, dev."""
        return self.venvs / environment / "bin" / "python"

    def dsn(self, role: str, password: str, database: str | None = None, driver: str = "postgresql") -> str:
        """A connection URI of PostgreSQL for ``role``: libpq's, or SQLAlchemy's with the ``driver`` that it names."""
        login = f"{role}:{quote(password, safe='')}" if password else role
        return f"{driver}://{login}@{self.address('postgres')}/{database or self.database}"


def unknown_settings(names: Iterable[str]) -> list[str]:
    """What to say about each of ``names`` that is a setting's by its prefix, and yet none."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields if not name.endswith("_password")]
    passwords = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields if name.endswith("_password")}
    strange = sorted(
        name for name in names if name.startswith(PREFIX) and name not in OTHER_VARIABLES.union(known, passwords)
    )
    return [did_you_mean("setting", name, known, PREFIX) for name in strange]


def check_env_file(path: Path) -> None:
    """See that every line of an ``.env`` file is one that make reads; no file is as good as an empty one.

    Raises:
        SettingsError: one is not, or sets what does not exist; the message names each with its line.
    """
    wrong = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines() if path.is_file() else [], 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        setting = re.fullmatch(rf"({PREFIX}[A-Z0-9_]*)=.*", line)
        if not setting:
            wrong.append(f"line {number} of {path.name} is no setting: write {PREFIX}<NAME>=<value>, without a blank")
        else:
            wrong += [f"line {number} of {path.name}: {told}" for told in unknown_settings([setting[1]])]
    if wrong:
        raise SettingsError("; ".join(wrong))


@lru_cache
def get_settings() -> Settings:
    """Settings of this process; the secrets file is read once.

    Raises:
        SettingsError: the environment holds a setting that does not exist, or one that cannot be.
    """
    home = Path(os.environ.get(f"{PREFIX}HOME", REPOSITORY / ".local"))
    unknown = unknown_settings(os.environ)
    if unknown:
        raise SettingsError("; ".join(unknown))
    try:
        return Settings(_env_file=home / "secrets.env")  # type: ignore[call-arg]
    except ValidationError as error:
        wrong = [
            f"{PREFIX}{str(fault['loc'][0]).upper()}={fault['input']}: {fault['msg']}"
            for fault in error.errors(include_url=False)
        ]
        raise SettingsError(f"wrong settings: {'; '.join(wrong)}") from error
