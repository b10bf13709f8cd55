"""Entries of allow-lists, by two people."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from analysts import as_analyst


def _proposal(**changes):
    return {
        "domain": "payments",
        "subjectType": "actor",
        "subjectId": "acct-00104711",
        "reason": "the merchant's own test account",
        "expiresAt": (datetime.now(UTC) + timedelta(days=30)).isoformat(),
        **changes,
    }


def _propose(client, name="dana", **changes):
    answer = client.post("/api/allow-lists", json=_proposal(**changes), headers=as_analyst(name))
    assert answer.status_code == 201, answer.text
    return answer


def test_an_entry_takes_two_people(client, raise_alert, superuser):
    proposed = _propose(client)
    path = proposed.headers["location"]
    assert proposed.json()["state"] == "proposed"
    refused = client.post(f"{path}/approve", headers=as_analyst("dana"))
    assert (refused.status_code, refused.json()["remedy"]) == (403, "ask a second person to approve it")
    assert client.post(f"{path}/approve").status_code == 403
    approved = client.post(f"{path}/approve", headers=as_analyst("kim")).json()
    assert (approved["state"], approved["proposedBy"], approved["approvedBy"]) == ("active", "dana", "kim")
    raise_alert(suppressed_by=approved["entryId"])
    assert client.get(path).json()["suppressedAlerts"] == 1
    (suppressed,) = client.get("/api/alerts", params={"suppressed": True}).json()["items"]
    assert suppressed["suppressedBy"] == approved["entryId"]
    assert client.post(f"{path}/approve", headers=as_analyst("lee")).status_code == 409
    revoked = client.post(f"{path}/revoke", json={"note": "over"}, headers=as_analyst("dana")).json()
    assert (revoked["state"], revoked["revokedBy"]) == ("revoked", "dana")
    assert client.post(f"{path}/revoke", headers=as_analyst("kim")).status_code == 409


def test_entries_are_listed_newest_first_and_masked(client):
    subject = f"acct-{uuid.uuid4().hex}"
    numbers = [_propose(client, subjectId=subject).json()["entryId"] for _ in range(5)]
    found, cursor = [], {}
    while cursor is not None:
        page = client.get("/api/allow-lists", params={"subjectId": subject, "pageSize": 2, **cursor}).json()
        found += page["items"]
        cursor = {"cursor": page["next"]} if page["next"] else None
    assert [entry["entryId"] for entry in found] == numbers[::-1]
    assert {entry["subjectId"] for entry in found} == {f"•••{subject[-4:]}"}
    shown = client.get("/api/allow-lists", params={"subjectId": subject, "unmask": "to see"}, headers=as_analyst("kim"))
    assert {entry["subjectId"] for entry in shown.json()["items"]} == {subject}
    page = client.get("/api/allow-lists", params={"pageSize": 1}).json()
    other = client.get("/api/allow-lists", params={"state": "active", "cursor": page["next"]})
    assert (other.status_code, other.json()["title"]) == (400, "cursor does not fit")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"domain": "paymets"}, "did you mean payments?"),
        ({"fraudType": "card_tasting"}, "did you mean card_testing?"),
        ({"expiresAt": "2020-01-01T00:00:00Z"}, "within 366 days"),
        ({"expiresAt": "2120-01-01T00:00:00Z"}, "within 366 days"),
        ({"reason": " "}, "reason"),
        ({"subjectType": "person"}, "subjectType"),
    ],
    ids=str,
)
def test_a_proposal_that_cannot_be_is_refused(client, changes, told):
    answer = client.post("/api/allow-lists", json=_proposal(**changes), headers=as_analyst("dana"))
    assert answer.status_code == 422
    assert told in answer.text


def test_an_entry_that_is_not_there(client):
    for answer in (
        client.get("/api/allow-lists/999999999"),
        client.post("/api/allow-lists/999999999/approve", headers=as_analyst("kim")),
        client.post("/api/allow-lists/999999999/revoke", headers=as_analyst("kim")),
    ):
        assert answer.status_code == 404
