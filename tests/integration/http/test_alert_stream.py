"""Alerts as server-sent events, of a server that really listens."""

import json
import uuid

import httpx
import pytest

from patternalarm.contracts.tables import ALERT

SUBJECT = "device-000004711"


@pytest.fixture
def raise_alert(superuser):
    """Writes an alert of a scope."""

    def write(scope):
        alert_id = uuid.uuid4().hex
        superuser.execute(
            f"INSERT INTO {ALERT} (alert_id, scope, domain, subject_type, subject_id, fraud_type, episode, severity,"
            " severity_rank, reasons, first_event_time, last_event_time, trigger_event_time, first_source, detected_at,"
            " updated_at, event_count, amount_at_risk, pack_version) VALUES (%s, %s, 'iot', 'actor', %s, 'botnet', 1, 'low',"
            " 0, '[]', now(), now(), now(), 'score', now(), clock_timestamp(), 1, 0, '1')",
            (alert_id, scope, SUBJECT),
        )
        return alert_id

    return write


def heard(lines, count):
    """``count`` events of a stream: id and data of each."""
    found, cursor = [], ""
    for line in lines:
        field, _, value = line.partition(": ")
        if field == "id":
            cursor = value
        elif field == "data":
            found.append((cursor, json.loads(value)))
            if len(found) == count:
                break
    return found


def test_a_stream_goes_on_where_it_was_left(server, raise_alert):
    scope = f"load-test-{uuid.uuid4().hex[:8]}"
    with httpx.stream("GET", f"{server}/api/alerts/stream", params={"scope": scope}, timeout=60) as answer:
        lines = answer.iter_lines()
        ids = [raise_alert(scope) for _ in range(2)]
        first = heard(lines, 2)
    missed = raise_alert(scope)
    told = {event["alertId"] for _, event in first}
    assert told == set(ids)
    assert {event["subjectId"] for _, event in first} == {"•••4711"}
    params = {"scope": scope}
    resumed = {"Last-Event-ID": first[-1][0]}
    with httpx.stream("GET", f"{server}/api/alerts/stream", params=params, headers=resumed, timeout=60) as answer:
        # The last five seconds before the cursor are told again.
        later = heard(answer.iter_lines(), 3)
    assert missed in {event["alertId"] for _, event in later}


def test_a_cursor_of_another_scope_is_refused(server, raise_alert):
    answer = httpx.get(f"{server}/api/alerts/stream", params={"scope": "live", "cursor": "xyz"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
