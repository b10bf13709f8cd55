"""The API on the whole platform: a load test from the README's request to its verdict, and what is dead or refused."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infra.local import processes
from infra.local.configuration import Configuration
from infra.local.supervision import PlatformSupervisor
from leftovers.left import left_of
from waiting import wait_for

from patternalarm.contracts.airflow_users import API_USER
from patternalarm.contracts.tables import RUN_REQUEST
from patternalarm.settings import Settings

RUN_SECONDS = 400
BACK_SECONDS = 90


@pytest.fixture(scope="module")
def api(platform: Settings) -> Iterator[httpx.Client]:
    """A program on the platform's machine."""
    with httpx.Client(base_url=platform.api_url, timeout=30, trust_env=False) as client:
        yield client


def curl(*arguments: str) -> tuple[int, Any]:
    """Status and body of a request made by curl itself, as the README has it."""
    command = ["curl", "--silent", "--noproxy", "*", "--write-out", "\n%{http_code}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def events_of(api: httpx.Client, run_id: str) -> list[tuple[str, dict[str, Any]]]:
    """Everything that the run's stream tells, to its end."""
    told, name = [], ""
    with api.stream("GET", f"/api/test/{run_id}/events", timeout=RUN_SECONDS) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                told.append((name, json.loads(value)))
    return told


@pytest.fixture(scope="module")
def run(api: httpx.Client, platform: Settings, model: str) -> tuple[str, list[tuple[str, dict[str, Any]]]]:
    """A load test that was started by a form and followed to its verdict."""
    form = f"domain={model}&loadLevel=mini&minutes=0.5&seed=11&strict=false"
    status, accepted = curl("-X", "POST", f"{platform.api_url}/api/test/execute", "-d", form)
    assert status == 202, accepted
    return accepted["runId"], events_of(api, accepted["runId"])


def test_a_form_starts_a_run_whose_events_end_with_its_verdict(
    run: tuple[str, list[tuple[str, dict[str, Any]]]], database: psycopg.Connection
) -> None:
    run_id, events = run
    name, last = events[-1]
    assert name == "verdict"
    # So short a run may miss a gate of detection; it was run and graded.
    assert last["verdict"]["state"] in ("passed", "missed"), last
    done = [event["name"] for kind, event in events if kind == "step" and event["state"] == "success"]
    assert {"open_run", "drain_flink", "account", "close_run"} <= set(done)
    assert [name for name, _ in events].count("verdict") == 1
    states = [event["state"] for kind, event in events if kind == "progress"]
    assert states[-1] == last["verdict"]["state"]
    row = database.execute(f"SELECT requested_by FROM {RUN_REQUEST} WHERE run_id = %s", (run_id,)).fetchone()
    assert row == ("local",)


def test_what_the_run_found_can_be_read(api: httpx.Client, run: tuple[str, Any]) -> None:
    run_id, _ = run
    assert api.get(f"/api/test/{run_id}/report").json()["run"]["run_id"] == run_id
    page = api.get(f"/api/test/{run_id}/report", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    (listed,) = [one for one in api.get("/api/runs").json()["runs"] if one["runId"] == run_id]
    assert (listed["lost"], listed["duplicated"], listed["ledgerClosed"]) == (0, 0, True)
    alerts = api.get("/api/alerts", params={"scope": run_id}).json()["items"]
    assert alerts
    alert = next(one for one in alerts if one["subjectType"] == "actor")
    detail = api.get(f"/api/alerts/{alert['alertId']}", params={"unmask": "test"}).json()
    assert all(event["fields"]["event_type"] for event in detail["events"])
    profile = api.get(f"/api/actors/{detail['subjectId']}", params={"domain": alert["domain"], "scope": run_id}).json()
    assert profile["profile"]["events"]
    assert alert["alertId"] in {one["alertId"] for one in profile["openAlerts"]}
    # Of a graded scope no alert is kept out of sight.
    assert {one["suppressedBy"] for one in alerts} == {None}


def test_a_run_that_has_ended_cannot_be_stopped(api: httpx.Client, run: tuple[str, Any]) -> None:
    answer = api.delete(f"/api/test/{run[0]}")
    assert (answer.status_code, answer.json()["title"]) == (409, "run has ended")


def test_a_page_of_another_site_starts_nothing(platform: Settings, database: psycopg.Connection) -> None:
    before = database.execute(f"SELECT count(*) FROM {RUN_REQUEST}").fetchone()
    evil = ("-H", "Origin: http://evil.example", "-d", "domain=gaming&loadLevel=normal")
    status, told = curl("-X", "POST", f"{platform.api_url}/api/test/execute", *evil)
    assert status == 403
    assert told["remedy"]
    assert database.execute(f"SELECT count(*) FROM {RUN_REQUEST}").fetchone() == before


def test_the_same_key_starts_one_run_which_a_stop_closes(api: httpx.Client, platform: Settings, model: str) -> None:
    wanted = {"domain": model, "loadLevel": "mini", "minutes": 1, "strict": False}
    key = {"Idempotency-Key": f"e2e-{platform.api_port}"}
    first, again = (api.post("/api/test/execute", json=wanted, headers=key).json()["runId"] for _ in range(2))
    assert first == again
    assert api.post("/api/test/execute", json={**wanted, "seed": 8}, headers=key).status_code == 422
    wait_for(lambda: api.get(f"/api/test/{first}").json()["state"] == "running", BACK_SECONDS)
    assert api.delete(f"/api/test/{first}").status_code == 202
    name, last = events_of(api, first)[-1]
    assert (name, last["verdict"]["state"]) == ("verdict", "failed")
    assert left_of(platform, first) == []


def test_the_airflow_user_of_the_api_may_use_its_dags_and_nothing_else(platform: Settings) -> None:
    with httpx.Client(base_url=platform.airflow_url, trust_env=False, timeout=30) as airflow:
        login = {"username": API_USER, "password": platform.airflow_api_password}
        airflow.headers["Authorization"] = f"Bearer {airflow.post('/auth/token', json=login).json()['access_token']}"
        assert airflow.get("/api/v2/dags/run_load_test").status_code == 200
        assert airflow.get("/api/v2/dags/retrain_model").status_code == 403
        trigger = {"logical_date": None, "conf": {}}
        assert airflow.post("/api/v2/dags/retrain_model/dagRuns", json=trigger).status_code == 403
        assert airflow.patch("/api/v2/dags/run_load_test", json={"is_paused": True}).status_code == 403
        for room in ("connections", "variables", "pools", "config", "assets", "importErrors", "eventLogs"):
            assert airflow.get(f"/api/v2/{room}").status_code == 403, room
        listed = airflow.get("/api/v2/dags")
        assert listed.status_code == 403 or {dag["dag_id"] for dag in listed.json()["dags"]} <= {"run_load_test"}


# Redis comes last: the profiles of a run that is closed go with it, for its topics are gone.
DEAD = ("kafka", "postgres", "airflow-api-server", "redis")
# What each call answers while a part is dead, in the order of DEAD.
EXPECTED: dict[tuple[str, str], tuple[int, int, int, int]] = {
    ("POST", "/api/test/execute"): (200, 503, 503, 200),
    ("GET", "/api/test/{run}"): (200, 503, 200, 200),
    ("GET", "/api/test/{run}/report"): (200, 503, 200, 200),
    ("DELETE", "/api/test/{run}"): (409, 503, 409, 409),
    ("POST", "/api/predict"): (200, 200, 200, 200),
    ("GET", "/api/alerts"): (200, 503, 200, 200),
    ("GET", "/api/alerts/{alert}"): (200, 503, 200, 200),
    ("POST", "/api/alerts/{alert}/notes"): (200, 503, 200, 200),
    ("POST", "/api/alerts/{alert}/assign"): (200, 503, 200, 200),
    ("POST", "/api/alerts/{alert}/snooze"): (200, 503, 200, 200),
    ("POST", "/api/alerts/{alert}/disposition"): (200, 503, 200, 200),
    ("POST", "/api/alerts/{alert}/reopen"): (200, 503, 200, 200),
    ("GET", "/api/alerts/stream"): (200, 503, 200, 200),
    ("GET", "/api/allow-lists"): (200, 503, 200, 200),
    ("GET", "/api/actors/{actor}"): (200, 200, 200, 503),
    ("GET", "/api/domains"): (200, 200, 200, 200),
    ("GET", "/api/models"): (200, 503, 200, 200),
    ("GET", "/api/runs"): (200, 503, 200, 200),
    ("GET", "/api/session"): (200, 200, 200, 200),
    ("GET", "/api/health"): (200, 200, 200, 200),
    ("GET", "/api/health/ready"): (503, 503, 503, 503),
    ("GET", "/api/metrics"): (200, 200, 200, 200),
}


@pytest.fixture(scope="module")
def asked(api: httpx.Client, run: tuple[str, Any], model: str) -> dict[tuple[str, str], tuple[str, dict[str, Any]]]:
    """How each call of EXPECTED is made: path and what goes with it."""
    run_id, _ = run
    alerts = api.get("/api/alerts", params={"scope": run_id}).json()["items"]
    alert = next(one for one in alerts if one["subjectType"] == "actor")["alertId"]
    actor = api.get(f"/api/alerts/{alert}", params={"unmask": "test"}).json()["subjectId"]
    (features,) = [len(one["features"]) for one in api.get("/api/domains").json() if one["name"] == model]
    more: dict[str, dict[str, Any]] = {
        "/api/test/execute": {"data": {"domain": model, "dryRun": "true"}},
        "/api/predict": {"json": {"domain": model, "rows": [[1.0] * features]}},
        "/api/actors/{actor}": {"params": {"domain": model, "scope": run_id}},
        "/api/alerts": {"params": {"scope": run_id}},
        "/api/alerts/{alert}/notes": {"json": {"note": "seen"}},
        "/api/alerts/{alert}/assign": {"json": {"assignee": "kim"}},
        "/api/alerts/{alert}/snooze": {"json": {"until": (datetime.now(UTC) + timedelta(days=1)).isoformat()}},
        "/api/alerts/{alert}/disposition": {"json": {"disposition": "false_positive", "note": "test"}},
        "/api/alerts/{alert}/reopen": {"json": {"note": "test"}},
    }
    return {
        (method, path): (path.format(run=run_id, alert=alert, actor=actor), more.get(path, {}))
        for method, path in EXPECTED
    }


def answers(api: httpx.Client, asked: dict[tuple[str, str], tuple[str, dict[str, Any]]]) -> dict[tuple[str, str], int]:
    """The status of each call."""
    found = {}
    for (method, name), (path, more) in asked.items():
        headers = {}
        if name.startswith("/api/alerts/{alert}/"):
            headers = {"If-Match": api.get(path.rpartition("/")[0]).headers.get("etag", '"0"')}
        with api.stream(method, path, headers=headers, **more) as answer:
            if not answer.headers["content-type"].startswith("text/event-stream"):
                answer.read()
        found[method, name] = answer.status_code
        if answer.status_code == 503 and "health" not in name:
            assert answer.json()["remedy"]
            assert answer.headers["retry-after"]
    return found


@pytest.mark.parametrize("dead", DEAD)
def test_what_does_not_need_the_dead_part_goes_on(
    platform: Settings, api: httpx.Client, asked: dict[tuple[str, str], tuple[str, dict[str, Any]]], dead: str
) -> None:
    supervisor = PlatformSupervisor(Configuration(platform))
    supervisor.stop([dead], 60)
    try:
        # An answer of it may be a second old.
        wait_for(lambda: api.get("/api/health/ready").status_code == 503)
        assert answers(api, asked) == {call: codes[DEAD.index(dead)] for call, codes in EXPECTED.items()}
    finally:
        supervisor.start(dead)
        wait_for(lambda: api.get("/api/health/ready").status_code == 200, BACK_SECONDS)
    back = answers(api, asked)
    assert {call for call, code in back.items() if code >= 500} == set()


@pytest.mark.parametrize("hung", ["postgres", "redis"])
def test_what_hangs_is_told_as_away(
    platform: Settings, api: httpx.Client, asked: dict[tuple[str, str], tuple[str, dict[str, Any]]], hung: str
) -> None:
    program = PlatformSupervisor(Configuration(platform)).programs()[hung]
    pids = processes.tree(program.pid)
    expected = {("GET", "/api/alerts"): 503 if hung == "postgres" else 200, ("POST", "/api/predict"): 200}
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: api.get("/api/health/ready").status_code == 503)
        for call, status in {**expected, ("GET", "/api/domains"): 200, ("GET", "/api/health/ready"): 503}.items():
            path, more = asked[call]
            assert api.request(call[0], path, **more).status_code == status, call
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
    wait_for(lambda: api.get("/api/health/ready").status_code == 200, BACK_SECONDS)
    assert answers(api, asked)["GET", "/api/alerts"] == 200
