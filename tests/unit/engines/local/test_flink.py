"""The client against a server that answers as Flink 2.3 does; tests/e2e asks Flink itself."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from patternalarm.contracts.jobs import flink_job_id
from patternalarm.engines.errors import FlinkError
from patternalarm.engines.local.flink import RestFlinkCluster
from patternalarm.settings import Settings

SOURCE = "cbc357ccb763df2852fee8c4fc7d55f2"
NAME = "detect-payments-run-1"
JOB = flink_job_id(NAME)
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
                    hiccup = outer.hiccups.pop(0)
                    status, answer = hiccup if isinstance(hiccup, tuple) else (hiccup, {"errors": ["not now"]})
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


class Recorder:
    """Flink's records of results, and who reads them."""

    def __init__(self, port, home):
        self.hook = RestFlinkCluster(Settings(flink_rest_port=port, home=home))
        self.directory = home / "flink" / "results"
        self.directory.mkdir(parents=True)

    def write(self, suffix, status="CANCELED"):
        record = {"result": {"id": JOB, "name": NAME, "application-status": status}, "version": 1}
        (self.directory / f"{JOB}{suffix}").write_text(json.dumps(record))

    def files(self):
        return list(self.directory.iterdir())


@pytest.fixture
def recorder(flink, tmp_path):
    return Recorder(flink.server.server_address[1], tmp_path)


def job(state="RUNNING", restarted_at=0, **vertices):
    statuses = vertices or {"Source: events": "RUNNING", "sink": "RUNNING"}
    return {
        "name": NAME,
        "state": state,
        "timestamps": {"RESTARTING": restarted_at},
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
        ("RUNNING", {"Source: a": "FINISHED", "sink": "RUNNING"}, True, False),
        ("RESTARTING", {"Source: a": "CANCELED", "sink": "CANCELED"}, False, False),
        ("FAILED", {"Source: a": "FAILED", "sink": "CANCELED"}, False, True),
        ("FINISHED", {"Source: a": "FINISHED", "sink": "FINISHED"}, False, True),
        ("SUSPENDED", {"Source: a": "CANCELED", "sink": "CANCELED"}, False, False),
    ],
)
def test_a_job_runs_when_all_of_it_does(flink, hook, state, statuses, running, ended):
    flink.gives(f"/jobs/{JOB}", job(state, **statuses))
    found = hook.job(NAME)
    assert (found.vertices_running, found.ended) == (running, ended)


def test_a_job_that_was_started_again_says_so(flink, hook):
    flink.gives(f"/jobs/{JOB}", job())
    flink.gives(f"/jobs/{JOB}/checkpoints", {"latest": {"restored": None}})
    assert not hook.restarted(JOB)
    flink.gives(f"/jobs/{JOB}/checkpoints", {"latest": {"restored": {"id": 3}}})
    assert hook.restarted(JOB)
    flink.gives(f"/jobs/{JOB}", job(restarted_at=1_795_716_330_638))
    flink.gives(f"/jobs/{JOB}/checkpoints", {"latest": {"restored": None}})
    assert hook.restarted(JOB)


@pytest.mark.parametrize("suffix", ["_DIRTY.json", ".json"])
@pytest.mark.parametrize(
    ("status", "state"), [("SUCCEEDED", "FINISHED"), ("CANCELED", "CANCELED"), ("FAILED", "FAILED")]
)
def test_how_a_job_ended_is_known_after_its_jobmanager_died(recorder, suffix, status, state):
    recorder.write(suffix, status)
    found = recorder.hook.job(NAME)
    assert (found.job_id, found.name, found.state, found.ended) == (JOB, NAME, state, True)
    assert recorder.hook.failure(JOB) == "Flink names no cause"


def test_how_a_job_ended_is_forgotten_once_flink_cleaned_up_after_it(recorder, clock):
    recorder.write(".json")
    recorder.hook.forget(NAME)
    assert recorder.hook.job(NAME) is None
    recorder.hook.forget(NAME)
    assert not clock.waits


def test_a_record_that_is_yet_to_come_is_waited_for(flink, recorder, clock, monkeypatch):
    flink.gives(f"/jobs/{JOB}", job("CANCELED"))
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: (sleep(seconds), recorder.write(".json")))
    recorder.hook.forget(NAME)
    assert not recorder.files()


def test_a_job_that_flink_has_not_cleaned_up_after_is_not_forgotten(recorder, clock):
    recorder.write("_DIRTY.json")
    with pytest.raises(FlinkError, match=f"has not cleaned up after job {NAME}"):
        recorder.hook.forget(NAME)
    assert recorder.files()


@pytest.mark.parametrize(
    ("latest", "number"),
    [
        ({"completed": None, "restored": None}, 0),
        ({"completed": {"id": 7}, "restored": None}, 7),
        ({"completed": None, "restored": {"id": 5}}, 5),
        ({"completed": {"id": 7}, "restored": {"id": 5}}, 7),
    ],
)
def test_the_last_checkpoint_outlasts_a_restart(flink, hook, latest, number):
    flink.gives(f"/jobs/{JOB}/checkpoints", {"latest": {**latest, "savepoint": None, "failed": None}})
    assert hook.last_checkpoint(JOB) == number


def test_jobs_are_found_by_name_unless_they_ended(flink, hook):
    jobs = [("a", "detect-payments-run-1", "RUNNING"), ("b", "detect-payments-run-1", "CANCELED")]
    jobs += [("c", "detect-payments-run-10", "RUNNING"), ("d", "detect-payments-run-1", "RESTARTING")]
    flink.gives("/jobs/overview", overview(*jobs))
    assert hook.jobs_named("detect-payments-run-1") == ["a", "d"]


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


def test_a_source_that_registers_after_another_is_seen(flink, hook, clock):
    names = [f"{subtask}.{PREFIX}.events_payments.partition.{subtask}.currentOffset" for subtask in (0, 1)]
    flink.gives(f"/jobs/{JOB}", job())

    def gives(listed):
        flink.gives(
            f"/jobs/{JOB}/vertices/{SOURCE}/metrics",
            lambda query: [{"id": n, "value": "3"} for n in (query["get"][0].split(",") if query else listed)],
        )

    gives(names[:1])
    assert hook.read_offsets(JOB, "events.payments") == {0: 3}
    gives(names)
    clock.sleep(6)
    assert hook.read_offsets(JOB, "events.payments") == {0: 3, 1: 3}


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


def test_a_stop_that_was_asked_of_a_jobmanager_that_died_has_failed(hook):
    assert hook.stop_failure(JOB, "r1") == "the JobManager that was asked is gone"


def test_a_cancel_asks_for_it(flink, hook):
    flink.gives(f"/jobs/{JOB}", {}, status=202)
    hook.cancel(JOB)
    assert flink.asked[-1][:2] == ("PATCH", f"/jobs/{JOB}?mode=cancel")


def test_an_error_is_told_in_one_line(hook):
    with pytest.raises(FlinkError, match=r"^Flink answers 404 to GET /overview: Not found: nothing$"):
        hook.free_slots()


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


@pytest.mark.parametrize(
    ("exception", "asked_to_stop"),
    [
        (
            "org.apache.flink.runtime.dispatcher.UnavailableDispatcherOperationException: Unable to get JobMasterGateway",
            2,
        ),
        ("org.apache.flink.runtime.rpc.exceptions.FencingTokenException: Fencing token not set", 2),
        ("org.apache.pekko.pattern.AskTimeoutException: Ask timed out", 1),
        ("java.util.concurrent.TimeoutException: Invocation of requestJob timed out", 1),
    ],
)
def test_a_jobmanager_that_is_taking_up_a_job_is_waited_for(flink, hook, clock, tmp_path, exception, asked_to_stop):
    error = {
        "errors": ["Internal server error.", f"<Exception on server side:\n{exception}\n\tat x\nEnd of exception>"]
    }
    flink.gives("/overview", {"slots-available": 3})
    flink.gives(f"/jobs/{JOB}/stop", {"request-id": "r1"}, status=202)
    flink.hiccups = [(500, error)]
    assert hook.free_slots() == 3
    assert len(flink.asked) == 2
    flink.asked.clear()
    flink.hiccups = [(500, error)]
    if asked_to_stop == 1:
        with pytest.raises(FlinkError, match="Flink answers 504"):
            hook.stop_with_drain(JOB, str(tmp_path))
    else:
        hook.stop_with_drain(JOB, str(tmp_path))
    assert len(flink.asked) == asked_to_stop


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
    assert 590 < sum(clock.waits) < 600


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
