"""What cannot be is refused with the right code and a remedy, and changes nothing."""

import json

import pytest

from patternalarm.api.body_limit import MOST_BYTES

RUN = "load-test-iot-20261127-000000-01234567"
FORM = {"domain": "gaming", "dryRun": "true"}


@pytest.mark.parametrize(
    ("given", "status", "says"),
    [
        ({"data": {**FORM, "domain": "poker"}}, 422, "payments"),
        ({"data": {**FORM, "domain": "/etc"}}, 422, "payments"),
        ({"data": {**FORM, "loadLevel": "huge"}}, 422, "extreme"),
        ({"data": {**FORM, "minutes": "-1"}}, 422, "minutes"),
        ({"data": {**FORM, "minutes": "nan"}}, 422, "minutes"),
        ({"data": {**FORM, "seed": "seven"}}, 422, "seed"),
        ({"data": {**FORM, "rate": "5"}}, 422, "rate"),
        ({"data": {**FORM, "loadlevel": "mini"}}, 422, "did you mean loadLevel?"),
        ({"data": {**FORM, "rate": "100", "minutes": "0.5"}}, 422, "less than one fraud campaign"),
        ({"data": {"loadLevel": "mini"}}, 422, "domain"),
        (
            {"content": "domain=iot&domain=gaming", "headers": {"content-type": "application/x-www-form-urlencoded"}},
            422,
            "twice",
        ),
        ({"content": "{", "headers": {"content-type": "application/json"}}, 400, ""),
        ({"json": ["iot"]}, 422, "no JSON object"),
        ({"json": {**FORM, "level": 7}}, 422, "level"),
        ({"content": "domain: iot", "headers": {"content-type": "text/yaml"}}, 415, "text/yaml"),
        ({}, 415, "a body of no type"),
    ],
)
def test_a_load_test_that_cannot_be_is_refused(client, superuser, given, status, says):
    answer = client.post("/api/test/execute", **given)
    assert answer.status_code == status, answer.text
    assert says in json.dumps(answer.json())
    assert answer.json()["remedy"]
    assert superuser.execute("SELECT count(*) FROM platform.run_request").fetchone() == (0,)


def test_with_airflow_away_nothing_is_started_and_that_is_said(client, superuser):
    answer = client.post("/api/test/execute", data={"domain": "gaming", "loadLevel": "normal"})
    assert answer.status_code == 503
    assert answer.json()["part"] == "airflow"
    assert answer.headers["retry-after"]
    assert superuser.execute("SELECT count(*) FROM platform.run_request").fetchone() == (0,)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/api/test/{RUN}", 404),
        ("GET", f"/api/test/{RUN}/events", 404),
        ("GET", f"/api/test/{RUN}/report", 404),
        ("DELETE", f"/api/test/{RUN}", 404),
        ("GET", "/api/test/..%2F..%2Fsecrets.env/report", 404),
        ("GET", "/api/test/%00/report", 404),
        ("GET", "/api/nothing", 404),
        ("PUT", "/api/runs", 405),
        ("GET", "/api/runs?limit=0", 422),
        ("GET", "/api/runs?state=dead", 422),
        ("GET", "/api/runs?cursor=xyz", 400),
    ],
)
def test_what_is_not_there_is_said_to_be_not_there(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["remedy"]


@pytest.mark.parametrize("told", [True, False])
def test_a_body_too_large_is_refused_before_it_is_read(client, told):
    def chunks():
        for _ in range(11):
            yield b"x" * 2**20

    content = b"x" * (11 * 2**20) if told else chunks()
    answer = client.post("/api/predict", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert f"{MOST_BYTES:,}" in answer.json()["detail"]


def test_a_request_id_is_taken_over_without_what_could_forge_a_log(client):
    assert client.get("/api/health", headers={"X-Request-ID": "trace-1"}).headers["x-request-id"] == "trace-1"
    forged = client.get("/api/health", headers={"X-Request-ID": 'a"} \t{"b' + "c" * 100})
    assert forged.headers["x-request-id"] == ("ab" + "c" * 100)[:64]
