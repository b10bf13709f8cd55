"""Who is let in, and who is not."""

from datetime import UTC, datetime, timedelta

import pytest
from httpx import Response

from patternalarm.api.access.roles import Role

EVIL = {"Origin": "http://evil.example"}
FORM = {"domain": "gaming", "loadLevel": "normal", "dryRun": "true"}


def problem(answer: Response, status: int) -> dict[str, object]:
    """The problem that an answer tells, of the status that it must have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, object] = answer.json()
    assert told["status"] == status
    assert told["remedy"]
    assert told["requestId"] == answer.headers["x-request-id"]
    return told


def test_a_program_on_this_machine_needs_no_key(client):
    assert client.get("/api/session").json() == {"name": "local", "role": "engineer", "csrfToken": None}


def test_another_machine_needs_one(elsewhere, key_of):
    assert "was sent" in problem(elsewhere.get("/api/runs"), 401)["detail"]
    assert elsewhere.get("/api/runs", headers=key_of(Role.VIEWER)).status_code == 200


def test_a_page_of_another_site_may_not_use_that_this_machine_needs_no_key(client):
    assert problem(client.post("/api/test/execute", data=FORM, headers=EVIL), 403)["title"] == "sent by another site"
    problem(client.get("/api/runs", headers={"Sec-Fetch-Site": "cross-site"}), 403)
    problem(client.get("/api/runs", headers={"Host": "rebound.example:18000"}), 401)


def test_wrong_expired_and_revoked_keys_are_refused(another_machine, elsewhere, key_of, superuser):
    for key in ("pa_0123456789ab_" + "x" * 43, "pa_short", "", "' OR 1=1 --"):
        answer = elsewhere.get("/api/runs", headers={"X-API-Key": key})
        assert problem(answer, 401)["detail"] == "the key is not known here"
    # Also from this machine: who sends a key means to be somebody.
    problem(another_machine("127.0.0.0").get("/api/runs", headers={"X-API-Key": "pa_short"}), 401)
    key = key_of(Role.VIEWER)
    key_id = key["Authorization"].split("_")[1]
    superuser.execute("UPDATE platform.api_key SET expires_at = now() WHERE key_id = %s", (key_id,))
    assert "expired on" in str(problem(elsewhere.get("/api/runs", headers=key), 401)["detail"])
    superuser.execute(
        "UPDATE platform.api_key SET expires_at = now() + '1 d', revoked_at = now() WHERE key_id = %s", (key_id,)
    )
    assert "revoked on" in str(problem(elsewhere.get("/api/runs", headers=key), 401)["detail"])


def test_nothing_that_would_open_the_door_is_kept(key_of, superuser):
    secret = key_of(Role.ANALYST)["Authorization"].removeprefix("Bearer ")
    (kept,) = superuser.execute("SELECT string_agg(k::text, ' ') FROM platform.api_key k").fetchone()
    assert secret.split("_", 2)[2] not in kept


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        (Role.VIEWER, "/api/runs", "/api/test/execute"),
        (Role.ANALYST, "/api/runs", "/api/test/execute"),
        (Role.INGEST, None, "/api/runs"),
    ],
)
def test_a_role_may_what_it_may(elsewhere, key_of, role, may, may_not):
    key = key_of(role)
    if may:
        assert elsewhere.get(may, headers=key).status_code == 200
    method = "POST" if may_not.endswith("execute") else "GET"
    assert f"has {role}" in str(problem(elsewhere.request(method, may_not, headers=key), 403)["detail"])


def test_guessing_keys_is_throttled_by_where_it_comes_from(client, another_machine):
    guesser = another_machine()
    codes = [guesser.get("/api/runs", headers={"X-API-Key": "pa_guess"}).status_code for _ in range(12)]
    assert codes[:10] == [401] * 10
    assert codes[-1] == 429
    assert problem(guesser.get("/api/runs", headers={"X-API-Key": "pa_guess"}), 429)
    assert client.get("/api/runs").status_code == 200


def test_a_browser_session_changes_something_only_with_its_token(another_machine, key_of, superuser):
    key = key_of(Role.ENGINEER, name="anna")["Authorization"].removeprefix("Bearer ")
    browser = another_machine()
    begun = browser.post("/api/session", json={"key": key})
    cookie = begun.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and key not in cookie
    token = begun.json()["csrfToken"]
    assert browser.get("/api/session").json() == {"name": "anna", "role": "engineer", "csrfToken": token}
    row = {"domain": "iot", "rows": [[1.0]]}
    assert problem(browser.post("/api/predict", json=row), 403)["title"] == "CSRF token missing"
    assert problem(browser.post("/api/predict", json=row, headers={"X-CSRF-Token": token[:-1]}), 403)
    # Refused for its rows, and not at the door.
    assert browser.post("/api/predict", json=row, headers={"X-CSRF-Token": token}).status_code in (409, 422)
    problem(browser.post("/api/predict", json=row, headers={"X-CSRF-Token": token, **EVIL}), 403)
    superuser.execute("UPDATE platform.api_key SET revoked_at = now() WHERE key_id = %s", (key.split("_")[1],))
    problem(browser.get("/api/runs"), 401)


def test_a_session_ends_when_it_is_told_to(another_machine, key_of):
    key = key_of(Role.VIEWER)["Authorization"].removeprefix("Bearer ")
    browser = another_machine()
    token = browser.post("/api/session", json={"key": key}).json()["csrfToken"]
    assert browser.delete("/api/session", headers={"X-CSRF-Token": token}).status_code == 204
    problem(browser.get("/api/runs"), 401)


def test_who_stands_behind_an_allow_list_entry_has_a_key(client, key_of):
    entry = {"domain": "iot", "subjectType": "actor", "subjectId": "device-1", "reason": "a test's own device"}
    entry["expiresAt"] = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert problem(client.post("/api/allow-lists", json=entry), 403)["title"] == "key needed"
    dana, kim = key_of(Role.ANALYST), key_of(Role.ANALYST)
    proposed = client.post("/api/allow-lists", json=entry, headers=dana)
    assert proposed.status_code == 201, proposed.text
    approval = f"/api/allow-lists/{proposed.json()['entryId']}/approve"
    assert problem(client.post(approval), 403)["title"] == "key needed"
    problem(client.post(approval, headers=dana), 403)
    assert client.post(approval, headers=kim).json()["state"] == "active"
