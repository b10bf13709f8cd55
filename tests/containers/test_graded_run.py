"""The whole platform in containers: a graded load test over the API, in the middle of which containers are killed."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from project import MOST_MEGABYTES, REPORTS, START, say
from waiting import wait_for

MINUTES = 3
# A model is trained on the way, and two containers are killed.
PATIENCE_SECONDS = 1200

LOAD_TEST = {"domain": "payments", "loadLevel": "mini", "minutes": MINUTES, "seed": 7, "strict": False}


@pytest.fixture
def api(project):
    """A client of the API with a key of an engineer: who comes through Docker is not taken for this machine."""
    asked = ("create", "--role", "engineer", "--days", "1", "--name", "compose-test")
    key = project.execute("api", f"{START}/api-key", *asked).split()[-1]
    with httpx.Client(base_url=project.api_url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        yield client


class LoadTest:
    """A load test that was asked for over the API."""

    def __init__(self, api: httpx.Client) -> None:
        self._api = api
        accepted = api.post("/api/test/execute", json=LOAD_TEST)
        assert accepted.status_code == 202, accepted.text
        self.run_id = accepted.json()["runId"]

    def progress(self) -> dict[str, Any]:
        """How far it is; what cannot be told for a moment has no step and no verdict."""
        answer = self._api.get(f"/api/test/{self.run_id}")
        return answer.json() if answer.status_code == 200 else {"steps": [], "verdict": None}

    def wait_until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Its progress once that holds.

        Raises:
            AssertionError: it ended before, or does not come to that.
        """
        seen: dict[str, Any] = {}

        def look() -> bool:
            seen.update(self.progress())
            return seen["verdict"] is not None or holds(seen)

        wait_for(look, PATIENCE_SECONDS, interval=1)
        assert holds(seen), seen["verdict"]
        return seen


def generates(progress: dict[str, Any]) -> bool:
    """Whether measured events flow."""
    steps = progress["steps"] or []
    return any(step["name"].startswith("generate") and step["state"] == "deferred" for step in steps)


@pytest.mark.parametrize(("image", "most"), MOST_MEGABYTES.items())
def test_an_image_is_no_larger_than_asked(project, image, most):
    assert project.image_megabytes()[image] <= most


def test_a_caller_from_outside_has_no_rights_without_a_key(project):
    assert httpx.post(f"{project.api_url}/api/test/execute", data={"domain": "payments"}).status_code == 401


def test_a_graded_load_test_passes_while_jobs_and_kafka_are_killed(project, api):
    run = LoadTest(api)
    say(f"load test {run.run_id}")
    run.wait_until(generates)
    for service in ("jobs", "kafka"):
        assert generates(run.progress())
        say(f"killing {service}")
        project.kill(service)
    verdict = run.wait_until(lambda progress: progress["verdict"] is not None)["verdict"]
    say(f"verdict: {verdict}")
    report = json.loads(project.execute("jobs", "cat", f"{REPORTS}/{run.run_id}/report.json"))
    for gate in report["gates"]:
        say(f"{gate['meaning']}: {gate['reached']} (asked {gate['asked']})")
    ledger = {name: value for name, value in report["ledger"].items() if isinstance(value, int)}
    say(f"ledger: {ledger}")
    for interruption in report["interruptions"]:
        say(f"interrupted: {interruption['component']} {interruption['what']} for {interruption['seconds']} s")
    restarts = {name: count for name, count in project.restarts().items() if count}
    say(f"containers started again: {restarts}")
    assert restarts == {"jobs": 1, "kafka": 1}
    assert ledger["lost"] == ledger["duplicated"] == 0
    assert verdict["state"] == "passed"
