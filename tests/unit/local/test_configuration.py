import stat
import string
import tomllib

import pytest
import yaml
from infra.local.configuration import PASSWORDS, TEMPLATES, ensure_secrets, read_env_file
from infra.local.machine import REPOSITORY

from patternalarm.settings import Settings


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_secrets_are_made_once_kept_and_private(tmp_path):
    first = ensure_secrets(tmp_path)
    assert {f"PATTERNALARM_{name.upper()}" for name in PASSWORDS} <= set(first)
    assert len(set(first.values())) == len(first)
    assert _mode(tmp_path / "secrets.env") == 0o600
    assert ensure_secrets(tmp_path) == first == read_env_file(tmp_path / "secrets.env")


def test_a_secret_that_a_newer_version_needs_is_added_and_the_others_stay(tmp_path):
    complete = ensure_secrets(tmp_path)
    lines = (tmp_path / "secrets.env").read_text().splitlines(keepends=True)
    (tmp_path / "secrets.env").write_text("".join(line for line in lines if "SUPERSET_SECRET_KEY" not in line))
    again = ensure_secrets(tmp_path)
    assert again.keys() == complete.keys()
    assert {name for name in complete if again[name] != complete[name]} == {"SUPERSET_SECRET_KEY"}


def test_files_with_secrets_are_private_and_nothing_else_holds_one(configuration):
    made = configuration()
    made.write()
    secrets = set(made.secrets.values())
    for file in made.files():
        if any(secret in file.content for secret in secrets):
            assert _mode(file.path) == 0o600, file.path
    environment = made.supervised_environment()
    assert not any(secret in value for secret in secrets for value in environment.values())


def test_nothing_is_left_to_fill_in_and_everything_is_bound_to_the_host(configuration):
    made = configuration()
    files = {file.path.name: file.content for file in made.files()}
    for name in ("supervisord.conf", "kafka.properties", "config.yaml", "zoo.cfg", "redis.conf"):
        assert "$" not in files[name]
        assert "0.0.0.0" not in files[name]
    flink = yaml.safe_load(files["config.yaml"])
    assert flink["rest.bind-address"] == flink["jobmanager.bind-host"] == flink["taskmanager.bind-host"] == "127.0.0.1"
    assert flink["env.java.opts.all"] == "--add-opens=packaged"
    assert "--add-opens=packaged" in files["supervisord.conf"]
    assert "listeners=PLAINTEXT://127.0.0.1:" in files["kafka.properties"]
    assert "listen_addresses=127.0.0.1" in files["supervisord.conf"]
    assert "clientPortAddress=127.0.0.1" in files["zoo.cfg"]
    assert "bind 127.0.0.1\n" in files["redis.conf"]


def test_servers_listen_on_one_host_and_name_themselves_by_another(configuration):
    made = configuration(bind_host="0.0.0.0", advertised_host="platform.example")
    files = {file.path.name: file.content for file in made.files()}
    flink = yaml.safe_load(files["config.yaml"])
    assert flink["rest.bind-address"] == flink["jobmanager.bind-host"] == flink["taskmanager.bind-host"] == "0.0.0.0"
    assert flink["rest.address"] == flink["jobmanager.rpc.address"] == flink["taskmanager.host"] == "platform.example"
    kafka = dict(line.split("=", 1) for line in files["kafka.properties"].splitlines() if "=" in line)
    assert kafka["listeners"].count("//0.0.0.0:") == 2
    assert kafka["advertised.listeners"] == f"PLAINTEXT://platform.example:{made.settings.kafka_port}"
    assert kafka["controller.quorum.bootstrap.servers"].startswith("platform.example:")
    assert "listen_addresses=0.0.0.0" in files["supervisord.conf"]
    assert made.airflow_environment()["AIRFLOW__API__HOST"] == "0.0.0.0"
    assert made.airflow_environment()["AIRFLOW__API__BASE_URL"].startswith("http://platform.example:")


def test_dbt_is_told_where_clients_find_postgresql(configuration):
    made = configuration(postgres_address="db.example:5")
    (dbt,) = [file.content for file in made.files() if file.path.name == "dbt.env"]
    assert "PATTERNALARM_POSTGRES_ADDRESS='db.example:5'" in dbt
    assert "@db.example:5/" in made.airflow_environment()["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]


def test_every_port_reaches_its_program_and_the_defaults_do_not_collide(configuration):
    ports = configuration().ports()
    assert len(set(ports.values())) == len(ports)
    moved = {name: 40_000 + number for number, name in enumerate(ports)}
    content = "\n".join(file.content for file in configuration(**moved).files())
    # The API reads its own from the settings, as every client does.
    for name, port in moved.items() - {("api_port", moved["api_port"])}:
        assert str(port) in content.replace(f"PATTERNALARM_{name.upper()}='{port}'", ""), name


def test_a_changed_setting_is_noticed(configuration):
    made = configuration()
    made.write()
    assert made.changed() == []
    changed = {path.name for path in configuration(kafka_port=40_000).changed()}
    assert {"kafka.properties", "platform.env"} <= changed


def test_a_shell_reads_the_generated_environment_as_written(configuration):
    made = configuration()
    made.write()
    lines = read_env_file(made.home / "platform.env")
    assert lines["PATTERNALARM_HOME"] == f"'{made.home}'"
    assert lines["PATTERNALARM_KAFKA_PORT"] == f"'{made.settings.kafka_port}'"


def test_flinks_library_holds_the_packaged_jars_and_ours(configuration):
    made = configuration()
    (made.home / "jars" / "flink").mkdir(parents=True)
    (made.home / "jars" / "flink" / "patternalarm-flink.jar").touch()
    made.write()
    made.write()
    assert {jar.name for jar in (made.home / "flink" / "lib").iterdir()} == {"flink-dist.jar", "patternalarm-flink.jar"}
    assert {jar.name for jar in (made.home / "zookeeper" / "lib").iterdir()} == {"flink-dist.jar"}


def test_zookeeper_grants_the_session_that_flink_asks_for(configuration):
    files = {file.path.name: file.content for file in configuration().files()}
    asked = yaml.safe_load(files["config.yaml"])["high-availability.zookeeper.client.session-timeout"]
    granted = next(line for line in files["zoo.cfg"].splitlines() if line.startswith("maxSessionTimeout="))
    assert int(granted.split("=")[1]) >= int(asked.removesuffix(" s")) * 1000


def test_scratch_files_of_engines_that_were_killed_are_removed_and_jobs_stay(configuration):
    made = configuration()
    (made.home / "jars").mkdir()
    made.write()
    (made.home / "flink/tmp/tm_1").mkdir()
    (made.home / "flink/ha/patternalarm").mkdir()
    made.write()
    assert list((made.home / "flink/tmp").iterdir()) == []
    assert (made.home / "flink/ha/patternalarm").is_dir()


def test_templates_ask_for_nothing_unknown(configuration):
    for template in TEMPLATES.rglob("*.template"):
        assert string.Template(template.read_text()).is_valid(), template


def test_the_example_names_settings_that_exist():
    names = {
        line.lstrip("#").split("=")[0] for line in (REPOSITORY / ".env.example").read_text().splitlines() if "=" in line
    }
    known = {f"PATTERNALARM_{name.upper()}" for name in Settings.model_fields} | {"PATTERNALARM_POSTGRES_BIN"}
    assert names <= known
    assert {name for name in known if name.endswith("_PORT")} <= names


@pytest.mark.parametrize("group", ["services", "dev", "airflow", "flink", "spark", "dbt", "superset"])
def test_every_environment_is_a_group_of_the_project(group):
    from infra.local.environments import GROUPS

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert group in GROUPS
    assert group in project["dependency-groups"]
    assert len(GROUPS) == len(project["dependency-groups"])
