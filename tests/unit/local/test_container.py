import os
import re
import subprocess

import pytest
import yaml
from infra.local import container
from infra.local.configuration import ensure_secrets
from infra.local.container import ContainerConfiguration

from patternalarm.settings import REPOSITORY, Settings, get_settings

COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text())["services"]


def told(name):
    """The value of a variable of compose, with its default filled in."""
    return re.sub(r"\$\{\w+:-(\w+)\}", r"\1", str(COMPOSE["init"]["environment"][name]))


@pytest.fixture
def made(configuration):
    """The files of containers, with what compose tells ``init``."""
    here = configuration()
    environment = {name.removeprefix("PATTERNALARM_").lower(): told(name) for name in COMPOSE["init"]["environment"]}
    settings = Settings(
        _env_file=here.home / "secrets.env", **{**environment, "home": here.home, "venvs": here.settings.venvs}
    )
    return ContainerConfiguration(settings)


@pytest.fixture
def files(made):
    return {str(file.path.relative_to(made.home)): file.content for file in made.files()}


def test_every_service_has_a_start_script_that_a_shell_can_read(files, tmp_path):
    started = {command[0] for command in (service["command"] for service in COMPOSE.values())}
    scripts = {f"/var/lib/patternalarm/{name}": content for name, content in files.items() if name.startswith("start/")}
    assert {path for path in started if path.startswith("/var")} <= scripts.keys()
    for content in scripts.values():
        assert subprocess.run(["bash", "-n"], input=content, text=True, check=False).returncode == 0
        assert "$" not in content.replace("$d", "").replace("$@", "") or "sed -n" in content


def test_programs_are_those_of_one_machine(files, configuration):
    here = next(file.content for file in configuration().files() if file.path.name == "supervisord.conf")
    for name in re.findall(r"^\[program:(.*)\]$", here, re.MULTILINE):
        assert f"start/{name}" in files
    assert "kafka.Kafka" in files["start/kafka"]
    assert "[program:" not in files["supervisor/supervisord.conf"] + files["generator_supervisor/supervisord.conf"]


def test_servers_listen_to_the_network_and_are_found_by_their_services_names(files):
    flink = yaml.safe_load(files["flink/conf/config.yaml"])
    assert flink["rest.bind-address"] == "0.0.0.0"
    assert flink["rest.address"] == flink["jobmanager.rpc.address"] == "flink-jobmanager"
    assert flink["taskmanager.host"] == "flink-taskmanager"
    assert flink["high-availability.zookeeper.quorum"] == "zookeeper:12181"
    assert "advertised.listeners=PLAINTEXT://kafka:19092" in files["kafka/kafka.properties"]
    assert "controller.quorum.bootstrap.servers=kafka:" in files["kafka/kafka.properties"]
    assert "/dev/tcp/postgres/15432" in files["bin/after-postgres"]
    hosts = {told(name).partition(":")[0] for name in COMPOSE["init"]["environment"] if name.endswith("_ADDRESS")}
    assert hosts <= COMPOSE.keys()


def test_a_browser_is_sent_to_what_is_published(files):
    (published,) = COMPOSE["airflow-api-server"]["ports"]
    host, port = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", published).split(":")[:2]
    assert f"AIRFLOW__API__BASE_URL='http://{host}:{port}'" in files["env/airflow.env"]
    assert "EXECUTION_API_SERVER_URL='http://airflow-api-server:" in files["env/airflow.env"]


def test_a_start_script_holds_no_password(made, files):
    secrets = set(made.secrets.values())
    scripts = [content for name, content in files.items() if name.startswith("start/") or name == "platform.env"]
    assert not [secret for secret in secrets for content in scripts if secret in content]


def test_the_home_is_written_by_init(monkeypatch, tmp_path, made, capsys):
    monkeypatch.setenv("PATTERNALARM_HOME", str(made.home))
    monkeypatch.setattr(container, "SCRATCH", tmp_path / "scratch")
    monkeypatch.setattr(container, "get_settings", lambda: made.settings)
    assert container.main(["init"]) == 0
    assert os.access(made.home / "start" / "kafka", os.X_OK)
    assert (made.home / "generator_supervisor" / "run.d").is_dir()
    assert ensure_secrets(made.home) == made.secrets


def test_an_unknown_setting_is_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATTERNALARM_HOME", str(tmp_path))
    monkeypatch.setenv("PATTERNALARM_KAFKA_ADRESS", "kafka:1")
    monkeypatch.setattr(container, "get_settings", get_settings.__wrapped__)
    assert container.main(["init"]) == 2
    assert "PATTERNALARM_KAFKA_ADDRESS" in capsys.readouterr().err
