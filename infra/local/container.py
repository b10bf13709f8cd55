"""The platform in containers: ``python -m infra.local.container init | migrate``, services of docker-compose.yaml that end.

The same configuration as that of one machine, with other addresses: ``init`` writes it, the passwords and a start script for
each program into the home that all containers share; ``migrate`` makes PostgreSQL's roles and the schemas. Here programs listen
on every address of their container, which `make up` refuses: the network that compose gives them leads nowhere, and what it
publishes is on this machine alone.
"""

import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from configparser import RawConfigParser
from functools import cached_property
from pathlib import Path
from typing import Final

from infra.local import initialise
from infra.local.configuration import Configuration, ConfigurationFile, ensure_secrets, render
from infra.local.machine import REPOSITORY, Found
from infra.local.progress import Progress, StepError

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.settings import Settings, SettingsError, SupervisorService, get_settings

# Where infra/containers/Dockerfile puts what this file names.
JAVA: Final = Found(Path("/opt/java"), "17")
POSTGRES: Final = Found(Path("/usr/lib/postgresql/15/bin"), "15")
REDIS: Final = Found(Path("/usr/bin/redis-server"), "7")
SCRATCH: Final = Path("/tmp/flink")  # noqa: S108 - of a container, and gone with it

SUPERVISORS: Final[dict[str, SupervisorService]] = {"jobs": "supervisor", "generator": "generator_supervisor"}


class ContainerConfiguration(Configuration):
    """The platform's files, for programs that have a container each."""

    @cached_property
    def jdk(self) -> Found:
        """The Java of the images."""
        return JAVA

    @cached_property
    def postgres(self) -> Found:
        """PostgreSQL's server programs, in its own image."""
        return POSTGRES

    @cached_property
    def redis(self) -> Found:
        """Redis' server, in its own image."""
        return REDIS

    @cached_property
    def postgres_directory(self) -> Path:
        """Where PostgreSQL keeps its data, as the one user of all images."""
        return self.home / "postgres"

    @property
    def taskmanager_host(self) -> str:
        """The service's name."""
        return "flink-taskmanager"

    @property
    def flink_tmp(self) -> Path:
        """Scratch files of one container; of those in the home, nobody could tell whose they are."""
        return SCRATCH

    def write(self) -> None:
        """Write every file, and make the folders of both supervisors."""
        super().write()
        for service in SUPERVISORS.values():
            (self.settings.supervisor_dir(service) / "run.d").mkdir(parents=True, exist_ok=True)

    def supervisor_files(self, values: Mapping[str, str]) -> list[ConfigurationFile]:
        """A supervisor for each container that runs the processes of runs, and a start script for each program."""
        written = [
            ConfigurationFile(
                self.settings.supervisor_dir(service) / "supervisord.conf", self.supervisor(values, service), 0o600
            )
            for service in SUPERVISORS.values()
        ]
        programs = RawConfigParser()
        programs.read_string(render("programs.conf.template", values))
        exports = {
            name.removeprefix("program:"): _exports(programs[name].get("environment", ""))
            for name in programs.sections()
        }
        for name, command in self._commands(programs).items():
            content = render(
                "start.sh.template",
                {
                    "program": name,
                    "platform_env": str(self.home / "platform.env"),
                    "exports": exports.get(name, ""),
                    "before": self._before(name),
                    "command": shlex.join(command),
                },
            )
            written.append(ConfigurationFile(self.home / "start" / name, content, 0o755))
        return written

    def _commands(self, programs: RawConfigParser) -> dict[str, list[str]]:
        """What each container runs: the programs of one machine, and what is started by hand there."""
        commands = {
            name.removeprefix("program:"): shlex.split(programs[name]["command"]) for name in programs.sections()
        }
        # A scheduler that dies takes its workers along, so nobody has to look after them.
        commands["airflow-scheduler"] = [
            *(f"{self.home}/bin/after-postgres", f"{self.home}/bin/airflow"),
            *("scheduler", "--skip-serve-logs"),
        ]
        commands["migrate"] = [str(self.settings.python("airflow")), "-m", "infra.local.container", "migrate"]
        commands["api-key"] = [str(self.settings.python("api")), "-m", "patternalarm.api.access.command_line"]
        commands["superset-init"] = [
            *(f"{self.home}/bin/superset-python", f"{REPOSITORY}/superset/initialise.py", "--publish"),
        ]
        for name, service in SUPERVISORS.items():
            file = self.settings.supervisor_dir(service) / "supervisord.conf"
            python = str(self.settings.python("services"))
            commands[name] = [python, "-m", "supervisor.supervisord", "--nodaemon", "--configuration", str(file)]
        return commands

    def _before(self, name: str) -> str:
        """Shell lines that come before a program."""
        if name == "postgres":
            return self._initdb()
        if name == "kafka":
            formatted = self.home / "kafka" / "data" / "meta.properties"
            return f"[ -f {formatted} ] || {shlex.join(initialise.kafka_format_command(self))}"
        return f"mkdir -p {SCRATCH}" if name.startswith("flink-") else ""

    def _initdb(self) -> str:
        data = shlex.quote(str(self.postgres_data))
        make = shlex.join(initialise.initdb_command(self, Path("/dev/stdin")))
        return (
            f"if [ ! -f {data}/PG_VERSION ]; then\n"
            f"  rm -rf {data}\n"
            f"  sed -n 's/^PATTERNALARM_SUPERUSER_PASSWORD=//p' {self.home}/secrets.env | {make}\n"
            # Others come from their containers, with passwords.
            f"  echo 'host all all samenet scram-sha-256' >>{data}/pg_hba.conf\n"
            "fi"
        )


def _exports(environment: str) -> str:
    """Shell lines that set what a supervisor's file sets by ``NAME="value",...``."""
    assignments = shlex.shlex(environment, posix=True)
    assignments.whitespace, assignments.whitespace_split = ",", True
    return "\n".join(f"export {shlex.quote(assignment)}" for assignment in assignments)


def init(configuration: ContainerConfiguration, progress: Progress) -> None:
    """Passwords, configuration and start scripts."""
    with progress.step("configuration"):
        configuration.write()


def migrate(configuration: ContainerConfiguration, progress: Progress) -> None:
    """Roles, databases and schemas, Airflow's included."""
    initialise.roles(configuration, progress)
    initialise.schema(configuration, progress)
    initialise.airflow(configuration, progress)


ACTIONS: Final[dict[str, Callable[[ContainerConfiguration, Progress], None]]] = {"init": init, "migrate": migrate}


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = ArgumentParser(prog="infra.local.container", description=__doc__)
    parser.add_argument("action", choices=ACTIONS)
    action = parser.parse_args(argv).action
    try:
        ensure_secrets(Settings().home)
        with Progress() as progress:
            ACTIONS[action](ContainerConfiguration(get_settings()), progress)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_INPUT
    except (StepError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
