"""The client against a server that answers as Flink 2.3 does; tests/e2e asks Flink itself."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from patternalarm.engines.errors import FlinkError
from patternalarm.engines.local.flink import RestFlinkCluster
from patternalarm.settings import Settings

JOB = "192ab258ecdc79bfc54072f9646a00b4"
SOURCE = "cbc357ccb763df2852fee8c4fc7d55f2"
NAME = "detect-payments-run-1"
PREFIX = "Source__KafkaSource-default_catalog_default_database_events_source.KafkaSourceReader.topic"


class Flink:
    """Answers by path; what was asked for is kept."""

    def __init__(self):
        self.answers = {}
        self.asked = []
        self.hiccups = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                outer.asked.append((self.command, self.path, body))
                parts = urlsplit(self.path)
                status, answer = outer.answers.get(parts.path, (404, {"errors": ["Not found: nothing\nat stack"]}))
                if outer.hiccups:
                    status, answer = outer.hiccups.pop(0), {"errors": ["not now"]}
                if callable(answer):
                    answer = answer(parse_qs(parts.query))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(answer).encode())

            do_GET = do_POST = do_PATCH = handle_any  # noqa: N815 - the base class calls them so

            def log_message(self, *_):
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def gives(self, path, answer, status=200):
        self.answers[path] = (status, answer)


@pytest.fixture
def flink():
    server = Flink()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def hook(flink):
    return RestFlinkCluster(Settings(flink_rest_port=flink.server.server_address[1]))


def job(state="RUNNING", **vertices):
    statuses = vertices or {"Source: events": "RUNNING", "sink": "RUNNING"}
    return {
        "name": NAME,
        "state": state,
        "vertices": [
            {"id": SOURCE if "Source" in name else "0" * 32, "name": name, "status": status}
            for name, status in statuses.items()
        ],
    }


def overview(*jobs):
    """Jobs by id, name and state, the oldest first."""
    fields = ("jid", "name", "state", "start-time")
    return {"jobs": [dict(zip(fields, (*each, number), strict=True)) for number, each in enumerate(jobs)]}


@pytest.mark.parametrize(
    ("state", "statuses", "running", "ended"),
    [
        ("RUNNING", {"Source: a": "RUNNING", "sink": "RUNNING"}, True, False),
        ("RUNNING", {"Source: a": "RUNNING", "sink": "SCHEDULED"}, False, False),
        ("RESTARTING", {"Source: a": "CANCELED", "sink": "CANCELED"}, False, False),
        ("FAILED", {"Source: a": "FAILED", "sink": "CANCELED"}, False, True),
        ("FINISHED", {"Source: a": "FINISHED", "sink": "FINISHED"}, False, True),
    ],
)
def test_a_job_runs_when_all_of_it_does(flink, hook, state, statuses, running, ended):
    flink.gives("/jobs/overview", overview((JOB, NAME, state)))
    flink.gives(f"/jobs/{JOB}", job(state, **statuses))
    found = hook.job(NAME)
    assert (found.vertices_running, found.ended) == (running, ended)


def test_jobs_are_found_by_name_unless_they_ended(flink, hook):
    jobs = [("a", "detect-payments-run-1", "RUNNING"), ("b", "detect-payments-run-1", "CANCELED")]
    jobs += [("c", "detect-payments-run-10", "RUNNING"), ("d", "detect-payments-run-1", "RESTARTING")]
    flink.gives("/jobs/overview", overview(*jobs))
    assert hook.jobs_named("detect-payments-run-1") == ["a", "d"]


def test_of_jobs_with_one_name_the_newest_counts(flink, hook):
    flink.gives(
        "/jobs/overview", overview((JOB, NAME, "FINISHED"), ("b", NAME, "RUNNING"), ("c", NAME + "0", "RUNNING"))
    )
    flink.gives("/jobs/b", job())
    assert hook.job(NAME).job_id == "b"
    assert hook.job("detect-iot-run-1") is None


def test_the_cause_of_a_failure_is_the_innermost_one(flink, hook):
    trace = (
        "org.apache.flink.JobException: Recovery is suppressed\n\tat x\nCaused by: java.io.IOException: outer\n\tat y"
    )
    trace += "\nCaused by: java.lang.OutOfMemoryError: Java heap space\n\tat z\n"
    flink.gives(f"/jobs/{JOB}/exceptions", {"exceptionHistory": {"entries": [{"stacktrace": trace}]}})
    assert hook.failure(JOB) == "java.lang.OutOfMemoryError: Java heap space"
    flink.gives(f"/jobs/{JOB}/exceptions", {"exceptionHistory": {"entries": []}})
    assert hook.failure(JOB) == "Flink names no cause"


def test_offsets_are_read_of_the_topic_alone(flink, hook):
    values = {
        f"0.{PREFIX}.events_payments_run-1.partition.0.currentOffset": "41",
        f"0.{PREFIX}.events_payments_run-1.partition.0.committedOffset": "12",
        f"1.{PREFIX}.events_payments_run-1.partition.1.currentOffset": "-1",
        f"1.{PREFIX}.events_payments_run-10.partition.1.currentOffset": "99",
        "0.Source__KafkaSource.pendingRecords": "5",
    }
    flink.gives(f"/jobs/{JOB}", job())
    flink.gives(
        f"/jobs/{JOB}/vertices/{SOURCE}/metrics",
        lambda query: (
            [{"id": name, "value": values[name]} for name in query["get"][0].split(",")]
            if query
            else [{"id": name} for name in values]
        ),
    )
    assert hook.read_offsets(JOB, "events.payments.run-1") == {0: 41, 1: -1}


def test_a_partition_that_is_told_twice_counts_as_far_as_the_one_behind(flink, hook):
    names = [f"{subtask}.{PREFIX}.events_payments.partition.0.currentOffset" for subtask in (0, 1)]
    flink.gives(f"/jobs/{JOB}", job())
    flink.gives(
        f"/jobs/{JOB}/vertices/{SOURCE}/metrics",
        lambda query: [{"id": name, "value": str(10 + number)} for number, name in enumerate(names)],
    )
    assert hook.read_offsets(JOB, "events.payments") == {0: 10}


def test_a_source_that_has_not_registered_is_asked_again(flink, hook):
    flink.gives(f"/jobs/{JOB}", job())
    flink.gives(f"/jobs/{JOB}/vertices/{SOURCE}/metrics", [])
    assert hook.read_offsets(JOB, "events.payments") == {}
    name = f"0.{PREFIX}.events_payments.partition.0.currentOffset"
    flink.gives(f"/jobs/{JOB}/vertices/{SOURCE}/metrics", [{"id": name, "value": "3"}])
    assert hook.read_offsets(JOB, "events.payments") == {0: 3}


def test_a_stop_drains_and_tells_why_it_failed(flink, hook, tmp_path):
    flink.gives(f"/jobs/{JOB}/stop", {"request-id": "r1"})
    assert hook.stop_with_drain(JOB, str(tmp_path / "savepoints")) == "r1"
    assert flink.asked[-1] == (
        "POST",
        f"/jobs/{JOB}/stop",
        {"drain": True, "targetDirectory": Path(tmp_path / "savepoints").as_uri()},
    )
    flink.gives(f"/jobs/{JOB}/savepoints/r1", {"status": {"id": "IN_PROGRESS"}, "operation": None})
    assert hook.stop_failure(JOB, "r1") is None
    cause = {"class": "x", "stack-trace": "a.B: not all tasks run\n\tat c\nCaused by: d.E: a task is finished"}
    flink.gives(f"/jobs/{JOB}/savepoints/r1", {"status": {"id": "COMPLETED"}, "operation": {"failure-cause": cause}})
    assert hook.stop_failure(JOB, "r1") == "Caused by: d.E: a task is finished"


def test_a_cancel_asks_for_it(flink, hook):
    flink.gives(f"/jobs/{JOB}", {}, status=202)
    hook.cancel(JOB)
    assert flink.asked[-1][:2] == ("PATCH", f"/jobs/{JOB}?mode=cancel")


def test_an_error_is_told_in_one_line(hook):
    with pytest.raises(FlinkError, match=rf"^Flink answers 404 to GET /jobs/{JOB}/exceptions: Not found: nothing$"):
        hook.failure(JOB)


def test_a_cluster_that_is_down_is_named_with_the_remedy():
    from kafka_broker import free_port

    port = free_port()
    with pytest.raises(FlinkError, match=rf"127\.0\.0\.1:{port}.*make up"):
        RestFlinkCluster(Settings(flink_rest_port=port, patience_seconds=0.3)).free_slots()


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_a_cluster_that_is_not_ready_is_waited_for(flink, hook, clock, status):
    flink.gives("/overview", {"slots-available": 3})
    flink.hiccups = [status, status, status]
    assert hook.free_slots() == 3
    assert len(flink.asked) == 4 and len(clock.waits) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_a_refusal_is_told_at_once(flink, hook, status):
    flink.hiccups = [status]
    with pytest.raises(FlinkError, match=f"Flink answers {status} to GET /overview: not now"):
        hook.free_slots()
    assert len(flink.asked) == 1


def test_patience_ends_with_the_last_answer(flink, hook, clock):
    flink.hiccups = [503] * 1_000
    with pytest.raises(FlinkError, match="Flink answers 503"):
        hook.free_slots()
    assert 50 < sum(clock.waits) < 60


@pytest.mark.parametrize(("status", "asked"), [(503, 2), (504, 1)])
def test_a_stop_is_asked_for_again_only_if_it_was_not_heard(flink, hook, clock, tmp_path, status, asked):
    flink.gives(f"/jobs/{JOB}/stop", {"request-id": "r1"}, status=202)
    flink.hiccups = [status]
    if asked == 1:
        with pytest.raises(FlinkError, match="Flink answers 504"):
            hook.stop_with_drain(JOB, str(tmp_path))
    else:
        assert hook.stop_with_drain(JOB, str(tmp_path)) == "r1"
    assert len(flink.asked) == asked
