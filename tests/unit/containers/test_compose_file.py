"""What docker-compose.yaml promises, read from the file: it needs no Docker."""

import re

import pytest
import yaml

from patternalarm.settings import REPOSITORY

CONTAINERS = REPOSITORY / "infra" / "containers"
COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (CONTAINERS / "Dockerfile").read_text()
ONCE = {"init", "migrate", "superset-init"}
STAYING = sorted(SERVICES.keys() - ONCE)
# What asks for no password that holds on a network.
INSIDE_ONLY = {"kafka", "zookeeper", "flink-jobmanager", "flink-taskmanager", "jobs", "generator", "postgres", "redis"}


def stages():
    """Every stage of the Dockerfile with the one it is made from."""
    return {name: base for base, name in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)}


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_published_is_published_on_this_machine_alone(name):
    ports = SERVICES[name].get("ports", [])
    assert all(re.match(r"127\.0\.0\.1:", port) for port in ports), ports
    assert not (ports and name in INSIDE_ONLY)
    assert ("outside" in SERVICES[name]["networks"]) == bool(ports)


def test_the_network_of_the_engines_leads_nowhere():
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert all("inside" in service["networks"] for service in SERVICES.values())
    assert SERVICES.keys() >= INSIDE_ONLY


@pytest.mark.parametrize("name", SERVICES)
def test_nobody_is_root_or_holds_the_engine_or_a_secret(name):
    service = SERVICES[name]
    assert service["user"] == "patternalarm"
    assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service
    assert service["volumes"] == ["home:/var/lib/patternalarm"]
    secret = re.compile(r"password|secret|token|key", re.IGNORECASE)
    assert not [variable for variable in service.get("environment", {}) if secret.search(variable)]


@pytest.mark.parametrize("name", STAYING)
def test_who_stays_has_a_health_check_and_is_started_again(name):
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"] == ["CMD", "healthy", name]
    assert f"\n  {name}) " in (CONTAINERS / "healthy").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_is_built_by_one_service_from_a_target_that_is_there(name):
    service = SERVICES[name]
    builders = [other for other in SERVICES.values() if other["image"] == service["image"] and "build" in other]
    assert len(builders) == 1
    target = builders[0]["build"]["target"]
    assert target in stages()
    assert service["image"] == f"patternalarm-{target}"
    assert "build" in service or service["pull_policy"] == "never"


def test_the_dockerfile_asks_for_nothing_that_an_older_engine_lacks():
    assert "ARG BASE=debian:bookworm-slim" in DOCKERFILE
    assert {base for base in stages().values() if base not in stages()} == {"${BASE}"}
    assert not re.search(r"^# *syntax=|<<-?['\"]?[A-Z]|sha256:|--mount=", DOCKERFILE, re.MULTILINE)


def test_no_image_ends_as_root():
    parents = stages()
    users: dict[str, str] = {}
    stage = ""
    for line in DOCKERFILE.splitlines():
        if line.startswith("FROM "):
            stage = line.split()[-1]
            users[stage] = users.get(parents[stage], "root")
        elif line.startswith("USER "):
            users[stage] = line.split()[1]
    for service in SERVICES.values():
        assert users[service["image"].removeprefix("patternalarm-")] == "patternalarm"


def test_what_a_context_may_hold_is_named_and_a_home_is_not():
    lines = (REPOSITORY / ".dockerignore").read_text().splitlines()
    first = next(line for line in lines if line and not line.startswith("#"))
    assert first == "*"
    assert not {"!.local", "!.venvs", "!.env"} & set(lines)
