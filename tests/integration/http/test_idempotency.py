"""A write that is sent again is answered again, and done once."""

import json
import uuid

import pytest

from patternalarm.contracts.tables import ALERT, CASE_EVENT


@pytest.fixture
def alert(superuser):
    """Id of an alert of its own."""
    alert_id = uuid.uuid4().hex
    superuser.execute(
        f"INSERT INTO {ALERT} (alert_id, scope, domain, subject_type, subject_id, fraud_type, episode, severity,"
        " severity_rank, reasons, first_event_time, last_event_time, trigger_event_time, first_source, detected_at,"
        " updated_at, event_count, amount_at_risk, pack_version) VALUES (%s, 'live', 'iot', 'actor', 'device-1', 'botnet', 1,"
        " 'low', 0, '[]', now(), now(), now(), 'score', now(), clock_timestamp(), 1, 0, '1')",
        (alert_id,),
    )
    return alert_id


def add_note(client, alert, note, **headers):
    return client.post(f"/api/alerts/{alert}/notes", json={"note": note}, headers={"If-Match": '"0"', **headers})


def notes_of(superuser, alert):
    rows = superuser.execute(f"SELECT note FROM {CASE_EVENT} WHERE alert_id = %s ORDER BY version", (alert,)).fetchall()
    return [note for (note,) in rows]


def test_the_same_key_writes_once_and_answers_alike(client, superuser, alert):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = add_note(client, alert, "seen", **key)
    again = add_note(client, alert, "seen", **key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert (first.json(), first.headers["etag"]) == (again.json(), again.headers["etag"])
    assert again.headers["idempotency-replayed"] == "true"
    assert notes_of(superuser, alert) == ["seen"]
    # Without the key the second analyst is told.
    assert add_note(client, alert, "seen").status_code == 412


def test_a_key_belongs_to_one_request_and_to_one_caller(client, another_machine, key_of, superuser, alert):
    from patternalarm.api.access.roles import Role

    key = {"Idempotency-Key": uuid.uuid4().hex}
    assert add_note(client, alert, "seen", **key).status_code == 200
    other = add_note(client, alert, "another", **key)
    assert (other.status_code, other.json()["title"]) == (422, "idempotency key reused")
    theirs = add_note(another_machine(), alert, "seen", **key, **key_of(Role.ANALYST))
    assert theirs.status_code == 412
    assert notes_of(superuser, alert) == ["seen"]


def test_a_refusal_is_not_kept(client, superuser, alert):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    assert add_note(client, alert, "", **key).status_code == 422
    assert client.post(f"/api/alerts/{alert}/notes", json={"note": "seen"}, headers=key).status_code == 428
    assert add_note(client, alert, "seen", **key).status_code == 200
    assert notes_of(superuser, alert) == ["seen"]


def test_an_answer_is_told_again_only_to_who_may_have_it(client, elsewhere, superuser, alert):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    assert add_note(elsewhere, alert, "seen", **key).status_code == 401
    assert add_note(client, alert, "seen", **key).status_code == 200
    assert add_note(elsewhere, alert, "seen", **key).status_code == 401
    assert add_note(client, alert, "seen", **key, Origin="http://evil.example").status_code == 403


def test_a_key_too_long_is_refused(client, superuser, alert):
    assert add_note(client, alert, "seen", **{"Idempotency-Key": "k" * 201}).status_code == 400
    assert notes_of(superuser, alert) == []


@pytest.mark.parametrize("body", ["{", json.dumps({"note": "x"})])
def test_what_has_no_key_goes_its_way(client, alert, body):
    headers = {"If-Match": '"7"', "content-type": "application/json"}
    assert client.post(f"/api/alerts/{alert}/notes", content=body, headers=headers).status_code in (400, 412)
