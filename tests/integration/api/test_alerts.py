"""Pages of alerts, one alert, and two analysts on it."""

import itertools
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from analysts import as_analyst

from patternalarm.contracts.alerts import SEVERITY_RANK, Severity
from patternalarm.contracts.tables import UNMASKING


def _all(client, page_size=3, **asked):
    """Every page's alerts, following cursors."""
    found, cursor = [], {}
    while True:
        answer = client.get("/api/alerts", params={"pageSize": page_size, **asked, **cursor})
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next"] is None:
            return found
        assert len(answer.json()["items"]) == page_size
        cursor = {"cursor": answer.json()["next"]}


@pytest.fixture
def crowd(raise_alert, client):
    """A scope with alerts of every kind, many of them equal in what they are ordered by."""
    scope = f"run-{uuid.uuid4().hex[:8]}"
    kinds = itertools.product(("low", "critical"), (None, 0.5, 0.9), (0, 10**12), ("payments", "iot"), (1, 2))
    for number, (severity, score, amount, domain, day) in enumerate(kinds):
        alert_id = raise_alert(
            scope=scope,
            severity=severity,
            score=score,
            amount_at_risk=amount,
            domain=domain,
            detected_at=f"2026-11-0{day}T00:00:00.000{number % 2:03}Z",
            fraud_type=f"type_{number % 3}",
            subject_id=f"subject-{number % 5}",
        )
        if number % 4 == 0:
            client.post(f"/api/alerts/{alert_id}/assign", json={"assignee": "kim"}, headers=as_analyst("dana", 0))
        if number % 8 == 0:
            body = {"disposition": "inconclusive", "note": "x"}
            client.post(f"/api/alerts/{alert_id}/disposition", json=body, headers=as_analyst("dana", 1))
        if number % 8 == 4:
            body = {"until": "2027-01-01T00:00:00Z"}
            client.post(f"/api/alerts/{alert_id}/snooze", json=body, headers=as_analyst("dana", 1))
    return scope


KEYS = {
    "detectedAt": lambda a: (a["detectedAt"], a["alertId"]),
    "severity": lambda a: (SEVERITY_RANK[Severity(a["severity"])], a["detectedAt"], a["alertId"]),
    "amountAtRisk": lambda a: (float(a["amountAtRisk"]), a["alertId"]),
    "score": lambda a: (-1 if a["score"] is None else a["score"], a["alertId"]),
}


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("sort", KEYS)
def test_pages_together_are_all_alerts_in_order(client, crowd, sort, order):
    found = _all(client, scope=crowd, sort=sort, order=order, page_size=5)
    assert len(found) == 48
    assert found == sorted(found, key=KEYS[sort], reverse=order == "desc")
    assert len({alert["alertId"] for alert in found}) == 48


@pytest.mark.parametrize(
    ("asked", "meets"),
    [
        ({"domain": "iot"}, lambda a: a["domain"] == "iot"),
        ({"fraudType": "type_1"}, lambda a: a["fraudType"] == "type_1"),
        ({"minSeverity": "medium"}, lambda a: a["severity"] == "critical"),
        ({"status": "open"}, lambda a: a["case"]["status"] == "open"),
        ({"status": "in_review"}, lambda a: a["case"]["status"] == "in_review"),
        ({"status": "closed", "assignee": "kim"}, lambda a: a["case"]["status"] == "closed"),
        ({"assignee": "kim"}, lambda a: a["case"]["assignee"] == "kim"),
        ({"assignee": "nobody"}, lambda a: False),
        ({"suppressed": True}, lambda a: False),
        ({"suppressed": False}, lambda a: True),
        ({"snoozed": True}, lambda a: a["case"]["snoozedUntil"] is not None),
        ({"snoozed": False, "status": "open"}, lambda a: a["case"]["version"] == 0),
        ({"detectedFrom": "2026-11-02T00:00:00Z"}, lambda a: a["detectedAt"] >= "2026-11-02"),
        ({"detectedTo": "2026-11-02T00:00:00Z"}, lambda a: a["detectedAt"] < "2026-11-02"),
    ],
    ids=str,
)
def test_filters_leave_what_they_say(client, crowd, asked, meets):
    everything = _all(client, scope=crowd, page_size=200)
    assert _all(client, scope=crowd, page_size=7, **asked) == [alert for alert in everything if meets(alert)]


def test_a_subject_is_asked_for_by_its_whole_id(client, crowd):
    assert len(_all(client, scope=crowd, subjectId="subject-1")) == 10


@pytest.mark.parametrize(
    "change", [{"domain": "iot"}, {"sort": "score"}, {"order": "asc"}, {"scope": "live"}, {"status": "open"}]
)
def test_a_cursor_of_another_question_is_refused(client, crowd, change):
    cursor = client.get("/api/alerts", params={"scope": crowd, "pageSize": 1}).json()["next"]
    assert client.get("/api/alerts", params={"scope": crowd, "pageSize": 9, "cursor": cursor}).status_code == 200
    answer = client.get("/api/alerts", params={"scope": crowd, "cursor": cursor, **change})
    assert (answer.status_code, answer.json()["title"]) == (400, "cursor does not fit")
    assert "first page" in answer.json()["remedy"]


@pytest.mark.parametrize("cursor", ["", "x", "bnVsbA", "W10", "eyJhIjoxfQ", "Ww" * 900, "é"])
def test_what_is_no_cursor_is_refused(client, cursor):
    assert client.get("/api/alerts", params={"cursor": cursor}).status_code == 400


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"domain": "paymets"}, "did you mean payments?"),
        ({"domian": "payments"}, "domian"),
        ({"pageSize": 201}, "pageSize"),
        ({"minSeverity": "worst"}, "minSeverity"),
        ({"detectedFrom": "2026-11-02T00:00:00"}, "detectedFrom"),
        ({"subjectId": "a\x00"}, "NUL"),
    ],
    ids=str,
)
def test_a_question_that_cannot_be_is_refused(client, asked, told):
    answer = client.get("/api/alerts", params=asked)
    assert answer.status_code == 422
    assert told in answer.text


def test_an_alert_comes_with_its_events_and_its_history(client, raise_alert, add_event):
    alert_id = raise_alert()
    fields = {
        "event_type": "payment",
        "device_id": "device-000017",
        "ip": "192.0.2.7",
        "card_id": "card-00009876",
        "status": "x",
    }
    add_event(alert_id, fields, {"amount": 10.0, "devices_2m": None})
    for version, (call, body) in enumerate(
        [("notes", {"note": " called the holder "}), ("assign", {"assignee": "kim"}), ("assign", {"assignee": None})]
    ):
        answer = client.post(f"/api/alerts/{alert_id}/{call}", json=body, headers=as_analyst("dana", version))
        assert (answer.status_code, answer.headers["etag"]) == (200, f'"{version + 1}"')
    answer = client.get(f"/api/alerts/{alert_id}", params={"unmask": "a call"}, headers=as_analyst("kim"))
    alert = answer.json()
    assert answer.headers["etag"] == '"3"'
    assert alert["subjectId"] == "acct-00104711"
    assert (alert["events"][0]["fields"], alert["eventsLeftOff"]) == (fields, 0)
    assert alert["events"][0]["features"] == {"amount": 10.0, "devices_2m": None}
    assert [(h["version"], h["action"], h["status"], h["writtenBy"]) for h in alert["history"]] == [
        (1, "note", "open", "dana"),
        (2, "assign", "in_review", "dana"),
        (3, "assign", "open", "dana"),
    ]
    assert alert["history"][0]["note"] == "called the holder"

    masked = client.get(f"/api/alerts/{alert_id}").json()
    assert masked["subjectId"] == masked["events"][0]["actorId"] == "•••4711"
    assert masked["events"][0]["fields"] == {
        "event_type": "payment",
        "device_id": "•••0017",
        "ip": "•••",
        "card_id": "•••9876",
        "status": "x",
    }
    assert masked["history"][0]["note"] == "•••"


def test_only_analysts_unmask_which_is_recorded_and_write(client, raise_alert, superuser):
    alert_id = raise_alert()
    assert client.get("/api/alerts", params={"unmask": "a call"}).status_code == 403
    assert client.get(f"/api/alerts/{alert_id}", params={"unmask": "a call"}).status_code == 403
    assert (
        client.post(f"/api/alerts/{alert_id}/notes", json={"note": "x"}, headers={"If-Match": '"0"'}).status_code == 403
    )
    recorded = f"SELECT unmasked_by, reason FROM {UNMASKING} WHERE subject = 'alert {alert_id}'"
    assert superuser.execute(recorded).fetchall() == []
    client.get(f"/api/alerts/{alert_id}", params={"unmask": "a call"}, headers=as_analyst("dana"))
    client.get("/api/alerts", params={"unmask": "a look", "pageSize": 200}, headers=as_analyst("kim"))
    assert sorted(tuple(row.values()) for row in superuser.execute(recorded).fetchall()) == [
        ("dana", "a call"),
        ("kim", "a look"),
    ]


def test_an_alert_that_is_not_there(client):
    alert_id = uuid.uuid4().hex
    assert client.get(f"/api/alerts/{alert_id}").status_code == 404
    for version in (0, 5):
        answer = client.post(f"/api/alerts/{alert_id}/notes", json={"note": "x"}, headers=as_analyst("dana", version))
        assert answer.status_code == 404
    assert client.get("/api/alerts/stream").status_code == 422


def test_of_two_analysts_the_second_is_told(client, raise_alert):
    alert_id = raise_alert()
    body = {"disposition": "confirmed_fraud", "note": "the holder knows nothing of it"}

    def dispose(name):
        return client.post(f"/api/alerts/{alert_id}/disposition", json=body, headers=as_analyst(name, 0))

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(dispose, [f"analyst{number}" for number in range(8)]))
    assert sorted(answer.status_code for answer in answers) == [200, *[412] * 7]
    refused = next(answer for answer in answers if answer.status_code == 412)
    assert (refused.json()["version"], refused.headers["etag"]) == (1, '"1"')
    history = client.get(f"/api/alerts/{alert_id}").json()["history"]
    assert len(history) == 1


@pytest.mark.parametrize(
    ("if_match", "status"), [(None, 428), ("*", 400), ("0", 400), ('W/"0"', 400), ('"99999999999"', 400)]
)
def test_a_write_names_the_version_that_was_seen(client, raise_alert, if_match, status):
    headers = as_analyst("dana") | ({"If-Match": if_match} if if_match else {})
    answer = client.post(f"/api/alerts/{raise_alert()}/notes", json={"note": "x"}, headers=headers)
    assert answer.status_code == status
    assert "If-Match" in answer.json()["remedy"]


def test_a_closed_case_is_reopened_before_it_is_worked_on(client, raise_alert):
    alert_id = raise_alert()
    verdict = ("disposition", {"disposition": "false_positive", "note": "known customer"})

    def act(version, call, body):
        return client.post(f"/api/alerts/{alert_id}/{call}", json=body, headers=as_analyst("dana", version))

    assert act(0, "reopen", {"note": "x"}).status_code == 409
    assert act(0, *verdict).json()["status"] == "closed"
    for call in (verdict, ("assign", {"assignee": "kim"}), ("snooze", {"until": "2027-01-01T00:00:00Z"})):
        refused = act(1, *call)
        assert (refused.status_code, refused.json()["remedy"]) == (409, "reopen it first, and say why")
    assert act(1, "notes", {"note": "seen"}).json()["status"] == "closed"
    reopened = act(2, "reopen", {"note": "a chargeback came"}).json()
    assert (reopened["status"], reopened["disposition"], reopened["version"]) == ("open", None, 3)


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("snooze", {"until": "2020-01-01T00:00:00Z"}),
        ("snooze", {"until": "9999-12-31T23:59:59Z"}),
        ("snooze", {"until": "2027-01-01T00:00:00"}),
        ("disposition", {"disposition": "confirmed_fraud"}),
        ("disposition", {"disposition": "guilty", "note": "x"}),
        ("notes", {"note": "  "}),
        ("notes", {"note": "a\x00b"}),
        ("notes", {"note": "x" * 4001}),
        ("assign", {}),
        ("assign", {"assignee": "kim", "status": "closed"}),
        ("reopen", {}),
    ],
)
def test_a_body_that_cannot_be_is_refused_with_a_remedy(client, raise_alert, call, body):
    answer = client.post(f"/api/alerts/{raise_alert()}/{call}", json=body, headers=as_analyst("dana", 0))
    assert answer.status_code == 422
    assert answer.json()["remedy"]
