"""Every file that the local platform's programs are configured by, from the settings. Nothing else writes them.

Layout under ``<home>`` (``PATTERNALARM_HOME``, by default ``.local``)::

    secrets.env            passwords and keys, mode 600, made once
    platform.env           the settings without secrets, for shells and supervised programs
    env/<program>.env      what one program needs in its environment, mode 600
    bin/<program>          airflow, dbt, flink, superset, ... with that environment, for the supervisor and by hand
    supervisor/            supervisord.conf (mode 600), its pid file, run.d/ and ready/ for the processes of runs
    postgres/ kafka/ flink/ zookeeper/ airflow/   what each engine keeps
    redis/redis.conf       with its password, mode 600; Redis itself keeps nothing on disk
"""

import base64
import json
import os
import pwd
import re
import resource
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from string import Template

import yaml
from infra.local import machine
from infra.local.machine import REPOSITORY, Found
from infra.local.progress import StepError

from patternalarm.contracts.airflow_users import ADMIN_USER, API_USER
from patternalarm.contracts.tables import AIRFLOW_ROLE
from patternalarm.settings import Settings, SupervisorService

TEMPLATES = Path(__file__).resolve().parent / "templates"

# In the environment of everything under the supervisor, so that what it leaves behind can be told from other processes.
SUPERVISED_MARK = "PATTERNALARM_SUPERVISED_BY"

PASSWORDS = tuple(name for name in Settings.model_fields if name.endswith("_password"))

# Between starts of what does not stay up for startsecs the supervisor waits 1, 2, 3, ... seconds. It must not give up while what
# a program needs is away, and need not: `make up` itself tells what keeps dying.
COMMON_PROGRAM_LINES = """autostart=false
autorestart=true
startsecs=3
startretries=1000000
stopasgroup=true
killasgroup=true
redirect_stderr=true
stdout_logfile=%(here)s/../logs/%(program_name)s.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=3"""


@dataclass(frozen=True)
class ConfigurationFile:
    """A file to be written: where, what, and who may read it."""

    path: Path
    content: str
    mode: int = 0o644


def read_env_file(path: Path) -> dict[str, str]:
    """``NAME=value`` lines of a file; empty when there is none."""
    if not path.is_file():
        return {}
    lines = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in lines}


def write_private(path: Path, content: str, mode: int = 0o600) -> None:
    """Write a file that never was readable by others, in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(content)
    fresh.chmod(mode)
    fresh.replace(path)


def ensure_secrets(home: Path) -> dict[str, str]:
    """``<home>/secrets.env``, with every name that is still missing generated; what is there stays."""
    path = home / "secrets.env"
    known = read_env_file(path)
    wanted = {f"PATTERNALARM_{name.upper()}": secrets.token_hex(16) for name in (*PASSWORDS, "superuser_password")}
    wanted["AIRFLOW__CORE__FERNET_KEY"] = base64.urlsafe_b64encode(os.urandom(32)).decode()
    wanted["AIRFLOW__API__SECRET_KEY"] = secrets.token_hex(32)
    wanted["AIRFLOW__API_AUTH__JWT_SECRET"] = secrets.token_hex(32)
    wanted["SUPERSET_SECRET_KEY"] = secrets.token_hex(32)
    complete = {**wanted, **known}
    if complete != known:
        write_private(path, "".join(f"{name}={value}\n" for name, value in complete.items()))
    return complete


def postgres_user() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as when we are root, which it refuses to be: ``postgres`` if there is one, else ``nobody``."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise StepError(
        "PostgreSQL does not run as root and there is neither a user postgres nor nobody; run as another user"
    )


def _may_reach(user: pwd.struct_passwd, directory: Path) -> bool:
    result = subprocess.run(
        ["test", "-x", str(directory)], user=user.pw_uid, group=user.pw_gid, extra_groups=[], cwd="/", check=False
    )
    return result.returncode == 0


class Configuration:
    """The local platform's files for one set of settings.

    Raises:
        StepError: the JDK or a server's programs are missing, or the environments are.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.home = settings.home.absolute()
        self.secrets = ensure_secrets(self.home)

    @cached_property
    def jdk(self) -> Found:
        """The JDK that all engines run on."""
        found = machine.find_jdk()
        if found is None:
            raise StepError("no JDK 17 or 21 found; `make doctor` says how to get one")
        return found

    @cached_property
    def postgres(self) -> Found:
        """PostgreSQL's server programs."""
        found = machine.find_postgres()
        if found is None:
            raise StepError("no PostgreSQL 15 or newer found; `make doctor` says how to get it")
        return found

    @cached_property
    def redis(self) -> Found:
        """The server of Redis, or of Valkey."""
        found = machine.find_redis(self.settings.venvs / "services")
        if found is None:
            raise StepError(f"no server of Redis or Valkey, {machine.MINIMUM_REDIS} or newer, found; run: make envs")
        return found

    @cached_property
    def postgres_directory(self) -> Path:
        """Where PostgreSQL keeps its data: under the home, or, when its user cannot reach that, under /var/tmp."""
        user = postgres_user()
        self.home.mkdir(parents=True, exist_ok=True)
        if user is None or _may_reach(user, self.home):
            return self.home / "postgres"
        return Path("/var/tmp") / ("patternalarm" + str(self.home).replace("/", "-")) / "postgres"  # noqa: S108

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.postgres_directory / "data"

    @property
    def supervisor_file(self) -> Path:
        """supervisord's configuration."""
        return self.settings.supervisor_dir("supervisor").absolute() / "supervisord.conf"

    @property
    def run_directory(self) -> Path:
        """Where operators put the configuration of a run's processes."""
        return self.supervisor_file.parent / "run.d"

    @property
    def ready_directory(self) -> Path:
        """Where a run's processes tell that they are ready."""
        return self.supervisor_file.parent / "ready"

    @cached_property
    def flink_home(self) -> Path:
        """The Flink distribution that PyFlink brings."""
        found = list((self.settings.venvs / "flink").glob("lib/python3*/site-packages/pyflink"))
        if not found:
            raise StepError(f"no PyFlink under {self.settings.venvs / 'flink'}; run: make envs")
        return found[0]

    @property
    def taskmanager_host(self) -> str:
        """Where Flink's JobManager finds the TaskManager."""
        return self.settings.advertised_host

    @property
    def flink_tmp(self) -> Path:
        """Flink's scratch files."""
        return self.home / "flink" / "tmp"

    @property
    def superuser_dsn(self) -> str:
        """PostgreSQL's superuser, who makes roles and databases and does nothing else."""
        return self.settings.dsn("postgres", self.secrets["PATTERNALARM_SUPERUSER_PASSWORD"], "postgres")

    def ports(self) -> dict[str, int]:
        """Every port of the platform, by the name of its setting."""
        return {name: getattr(self.settings, name) for name in Settings.model_fields if name.endswith("_port")}

    def platform_environment(self) -> dict[str, str]:
        """The settings without secrets, and where the engines' programs are."""
        plain = {
            f"PATTERNALARM_{name.upper()}": str(getattr(self.settings, name))
            for name in Settings.model_fields
            if name not in PASSWORDS
        }
        plain["PATTERNALARM_HOME"] = str(self.home)
        plain["PATTERNALARM_VENVS"] = str(self.settings.venvs.absolute())
        return {**plain, "JAVA_HOME": str(self.jdk.path), "PYTHONUNBUFFERED": "1"}

    def supervised_environment(self) -> dict[str, str]:
        """What supervisord, and so everything under it, starts with: nothing of the caller's shell but the essentials."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "LC_ALL", "TMPDIR", "USER") if name in os.environ}
        path = f"{self.jdk.path}/bin:{os.environ.get('PATH', '/usr/local/bin:/usr/bin:/bin')}"
        # A process that renames itself would overwrite the environment that the mark is read from.
        marks = {SUPERVISED_MARK: str(self.home), "SPT_NOENV": "1"}
        return {**kept, "PATH": path, **self.platform_environment(), **marks}

    def flink_environment(self) -> dict[str, str]:
        """Where Flink's scripts find what is ours instead of what is in site-packages."""
        return {
            "FLINK_HOME": str(self.flink_home),
            "FLINK_CONF_DIR": str(self.home / "flink" / "conf"),
            "FLINK_LIB_DIR": str(self.home / "flink" / "lib"),
            "FLINK_OPT_DIR": str(self.flink_home / "opt"),
            "FLINK_PLUGINS_DIR": str(self.flink_home / "plugins"),
            "FLINK_LOG_DIR": str(self.home / "flink" / "log"),
            "FLINK_PID_DIR": str(self.home / "flink" / "pid"),
        }

    def airflow_environment(self) -> dict[str, str]:
        """Airflow's configuration: its own database, four processes, one user, our DAGs and plugins."""
        settings = self.settings
        database = settings.dsn(
            AIRFLOW_ROLE, settings.airflow_db_password, settings.airflow_database, driver="postgresql+psycopg2"
        )
        return {
            "AIRFLOW_HOME": str(self.home / "airflow"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPOSITORY / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "socket.gethostname",
            "AIRFLOW__CORE__AUTH_MANAGER": "patternalarm.airflow_access.auth_manager.PlatformAuthManager",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{ADMIN_USER}:admin,{API_USER}:user",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "airflow" / "passwords.json"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{settings.airflow_url}/execution/",
            "AIRFLOW__CORE__FERNET_KEY": self.secrets["AIRFLOW__CORE__FERNET_KEY"],
            # What PostgreSQL or the API server is away for, up to ten minutes, fails no task: requests are tried again, each
            # at most 5 s later, and the scheduler waits.
            "AIRFLOW__DATABASE__MAX_DB_RETRIES": "120",
            "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "200",
            "AIRFLOW__WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "5",
            # What a killed triggerer waited for goes to the next one, and what a killed scheduler had not handed out is
            # handed out, this many seconds later; by default 30 and 300.
            "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "15",
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
            "AIRFLOW__API__HOST": settings.bind_host,
            "AIRFLOW__API__PORT": str(settings.airflow_port),
            "AIRFLOW__API__BASE_URL": settings.page("airflow"),
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__SECRET_KEY": self.secrets["AIRFLOW__API__SECRET_KEY"],
            "AIRFLOW__API_AUTH__JWT_SECRET": self.secrets["AIRFLOW__API_AUTH__JWT_SECRET"],
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            # A changed file is parsed at the next refresh all the same; this only spares the idle machine.
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
            "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
            "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
            "AIRFLOW__LOGGING__DAG_PROCESSOR_LOG_TARGET": "stdout",
            "AIRFLOW_CONN_KAFKA_DEFAULT": (
                '{"conn_type": "kafka", "extra": {"bootstrap.servers": "' + settings.kafka_bootstrap + '"}}'
            ),
        }

    def superset_environment(self) -> dict[str, str]:
        """Where Superset finds its configuration, and the key of its sessions."""
        return {
            "SUPERSET_CONFIG_PATH": str(REPOSITORY / "superset" / "superset_config.py"),
            "SUPERSET_SECRET_KEY": self.secrets["SUPERSET_SECRET_KEY"],
            "SUPERSET_HOME": str(self.home / "superset"),
            "FLASK_APP": "superset.app:create_app()",
        }

    def files(self) -> list[ConfigurationFile]:
        """Every configuration file as it should be."""
        home = self.home
        user = postgres_user()
        open_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        values = {
            **{name: str(value) for name, value in self.settings.model_dump().items()},
            **{service: str(self.settings.address(service)) for service in ("kafka", "zookeeper")},
            **{f"{service}_host": self.settings.address(service).host for service in ("kafka", "postgres", "flink")},
            "postgres_client_port": str(self.settings.address("postgres").port),
            "taskmanager_host": self.taskmanager_host,
            "flink_tmp": str(self.flink_tmp),
            "home": str(home),
            "repository": str(REPOSITORY),
            "jars": str(home / "jars"),
            "java": str(self.jdk.path / "bin" / "java"),
            "java_home": str(self.jdk.path),
            "postgres_bin": str(self.postgres.path),
            "postgres_data": str(self.postgres_data),
            "redis_server": str(self.redis.path.absolute()),
            "postgres_user": f"user={user.pw_name}" if user else "",
            "supervisord_user": "user=root" if user else "",
            "open_files": str(65_536 if open_files == resource.RLIM_INFINITY else min(65_536, open_files)),
            "api_python": str(self.settings.python("api").absolute()),
            "services_python": str(self.settings.python("services").absolute()),
            "flink_home": str(self.flink_home),
            "flink_python": str(self.settings.python("flink").absolute()),
            "flink_java_opts": self._packaged_flink_java_opts(),
            "flink_environment": ",".join(f'{name}="{value}"' for name, value in self.flink_environment().items()),
            "common": COMMON_PROGRAM_LINES,
        }
        files = [
            *self.supervisor_files(values),
            ConfigurationFile(home / "kafka" / "kafka.properties", render("kafka.properties.template", values)),
            ConfigurationFile(home / "flink/conf/config.yaml", render("flink/config.yaml.template", values)),
            ConfigurationFile(home / "zookeeper/zoo.cfg", render("zoo.cfg.template", values)),
            ConfigurationFile(home / "redis" / "redis.conf", render("redis.conf.template", values), 0o600),
            ConfigurationFile(home / "platform.env", _as_env_file(self.platform_environment())),
            ConfigurationFile(
                home / "airflow" / "passwords.json",
                json.dumps(
                    {
                        ADMIN_USER: self.settings.airflow_admin_password,
                        API_USER: self.settings.airflow_api_password,
                    }
                ),
                0o600,
            ),
        ]
        for name in ("log4j-console.properties", "log4j-cli.properties"):
            files.append(ConfigurationFile(home / "flink/conf" / name, (TEMPLATES / "flink" / name).read_text()))
        files.append(
            ConfigurationFile(home / "bin" / "after-postgres", render("after-postgres.sh.template", values), 0o755)
        )
        files.append(ConfigurationFile(home / "bin" / "scheduler", render("scheduler.sh.template", values), 0o755))
        environments = {
            "airflow": self.airflow_environment(),
            "flink": self.flink_environment(),
            "superset": self.superset_environment(),
            "dbt": {
                "PATTERNALARM_DBT_PASSWORD": self.settings.dbt_password,
                "PATTERNALARM_POSTGRES_ADDRESS": str(self.settings.address("postgres")),
            },
        }
        for name, environment in environments.items():
            files.append(ConfigurationFile(home / "env" / f"{name}.env", _as_env_file(environment), 0o600))
        commands = {
            "airflow": ("airflow", self.settings.venvs / "airflow/bin/airflow"),
            "flink": ("flink", self.flink_home / "bin/flink"),
            "dbt": ("dbt", self.settings.venvs / "dbt/bin/dbt"),
            "superset": ("superset", self.settings.venvs / "superset/bin/superset"),
            "superset-python": ("superset", self.settings.venvs / "superset/bin/python"),
            "superset-server": ("superset", self.settings.venvs / "superset/bin/gunicorn"),
        }
        for name, (environment_name, command) in commands.items():
            content = render(
                "wrapper.sh.template",
                {
                    "program": name,
                    "platform_env": str(home / "platform.env"),
                    "program_env": str(home / "env" / f"{environment_name}.env"),
                    "command": str(command.absolute()),
                },
            )
            files.append(ConfigurationFile(home / "bin" / name, content, 0o755))
        return files

    def supervisor_files(self, values: Mapping[str, str]) -> list[ConfigurationFile]:
        """One supervisor, over the platform's programs and the processes of runs."""
        content = self.supervisor(values, "supervisor") + "\n" + render("programs.conf.template", values)
        return [ConfigurationFile(self.supervisor_file, content, 0o600)]

    def supervisor(self, values: Mapping[str, str], service: SupervisorService) -> str:
        """Configuration of a supervisor and of the processes of runs under it."""
        own = {
            "supervisor": str(self.settings.address(service)),
            "supervisor_directory": str(self.settings.supervisor_dir(service)),
            "supervisor_log": str(self.home / "logs" / f"{service}d.log"),
        }
        return render("supervisord.conf.template", {**values, **own})

    def changed(self) -> list[Path]:
        """Files that exist and would now be written differently."""
        return [file.path for file in self.files() if file.path.is_file() and file.path.read_text() != file.content]

    def write(self) -> None:
        """Write every file, and link what the engines load into one place."""
        for file in self.files():
            write_private(file.path, file.content, file.mode)
        for name in ("logs", "airflow", "superset", "models", "runs", "reports"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        # Whoever is killed leaves his scratch files; nobody uses them who starts anew.
        shutil.rmtree(self.flink_tmp, ignore_errors=True)
        self.flink_tmp.mkdir(parents=True)
        for name in ("log", "pid", "checkpoints", "savepoints", "ha", "results"):
            (self.home / "flink" / name).mkdir(parents=True, exist_ok=True)
        self.run_directory.mkdir(parents=True, exist_ok=True)
        jars = REPOSITORY / ".local" / "jars"
        if not (self.home / "jars").exists():
            (self.home / "jars").symlink_to(jars)
        packaged = list((self.flink_home / "lib").glob("*.jar"))
        _link_jars(self.home / "flink" / "lib", [*packaged, *(self.home / "jars/flink").glob("*.jar")])
        # ZooKeeper's server is inside Flink's own jar.
        of_zookeeper = [jar for jar in packaged if jar.name.startswith(("flink-dist", "log4j-"))]
        _link_jars(self.home / "zookeeper" / "lib", of_zookeeper)

    def _packaged_flink_java_opts(self) -> str:
        packaged = yaml.safe_load((self.flink_home / "conf" / "config.yaml").read_text())
        opens = str(packaged["env"]["java"]["opts"]["all"])
        # As Flink's scripts do: newer JDKs refuse a security manager otherwise, and Flink sets one.
        return opens if int(self.jdk.version.split(".")[0]) <= 17 else f"{opens} -Djava.security.manager=allow"


def _link_jars(directory: Path, jars: Iterable[Path]) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for jar in jars:
        (directory / jar.name).symlink_to(jar.resolve())


def render(template: str, values: Mapping[str, str]) -> str:
    """A template with every name filled in, without the gaps that empty values leave."""
    text = Template((TEMPLATES / template).read_text()).substitute(values)
    return re.sub(r"\n{3,}", "\n\n", text)


def _as_env_file(environment: dict[str, str]) -> str:
    return "".join(f"{name}='{value}'\n" for name, value in environment.items())
