"""The client against a server that answers as Airflow 3.3 does; tests/e2e has the real one."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from patternalarm.cli.airflow_api import AirflowApi, TaskState
from patternalarm.cli.errors import AirflowError, UsageError
from patternalarm.passing_errors import passes_by_itself
from patternalarm.settings import Settings

PASSWORD = "s3cret"
RUN = "manual__2026-11-24T05:30:00+00:00"
TASKS = f"/api/v2/dags/d/dagRuns/{RUN.replace(':', '%3A').replace('+', '%2B')}/taskInstances"


class Airflow:
    """Gives tokens, refuses everything without one, answers by path, keeps what was asked."""

    def __init__(self):
        self.answers = {}
        self.hiccups = []
        self.asked = []
        self.valid = ""
        self.tokens = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                path = urlsplit(self.path)
                outer.asked.append((self.command, self.path, body))
                self.answer(*outer.judge(path.path, parse_qs(path.query), body, self.headers.get("Authorization")))

            do_GET = do_POST = handle_any  # noqa: N815 - the base class calls them so

            def answer(self, status, content):
                self.send_response(status)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, *_):
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def judge(self, path, query, body, authorization):
        if self.hiccups:
            return self.hiccups.pop(0), {"detail": "not now"}
        if path == "/auth/token":
            if body != {"username": "admin", "password": PASSWORD}:
                return 401, {"detail": "Invalid credentials"}
            self.tokens += 1
            self.valid = f"token-{self.tokens}"
            return 201, {"access_token": self.valid}
        if authorization != f"Bearer {self.valid}":
            return 401, {"detail": "Invalid or expired token"}
        return self.answers.get(path, (404, {"detail": f"{path} was not found"}))


@pytest.fixture
def airflow():
    server = Airflow()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def api(airflow):
    port = airflow.server.server_address[1]
    return AirflowApi(Settings(airflow_port=port, airflow_admin_password=PASSWORD, patience_seconds=5))


def test_a_run_is_triggered_with_its_parameters(airflow, api):
    airflow.answers["/api/v2/dags/d/dagRuns"] = (200, {"dag_run_id": RUN})
    assert api.trigger("d", {"minutes": 2}) == RUN
    assert airflow.asked[-1] == ("POST", "/api/v2/dags/d/dagRuns", {"logical_date": None, "conf": {"minutes": 2}})


@pytest.mark.parametrize("status", [400, 422])
def test_parameters_that_the_dag_refuses_are_a_matter_of_usage(airflow, api, status):
    airflow.answers["/api/v2/dags/d/dagRuns"] = (status, {"detail": "Invalid input for param level: 'huge'"})
    with pytest.raises(UsageError, match="refuses the parameters: Invalid input for param level"):
        api.trigger("d", {"level": "huge"})


def test_a_token_that_expired_is_renewed(airflow, api):
    airflow.answers["/api/v2/dags/d"] = (200, {"is_paused": False})
    assert api.is_paused("d") is False
    airflow.valid = "another"
    assert api.is_paused("d") is False
    assert airflow.tokens == 2


def test_an_unknown_dag_is_none(api):
    assert api.is_paused("d") is None


def test_tasks_are_told_with_their_number_and_without_their_group(airflow, api):
    instance = {"task_id": "retrain.open_run", "map_index": 2, "state": None, "try_number": 1}
    airflow.answers[TASKS] = (200, {"task_instances": [instance]})
    (task,) = api.tasks("d", RUN)
    assert task == TaskState("retrain.open_run", 2, "", 1)
    assert task.name == "open_run [2]"


@pytest.mark.parametrize("value", [{"run_id": "r"}, json.dumps({"run_id": "r"})])
def test_what_a_task_returned(airflow, api, value):
    airflow.answers[f"{TASKS}/open_run/xcomEntries/return_value"] = (200, {"value": value})
    assert api.returned("d", RUN, TaskState("open_run", -1, "success", 1)) == {"run_id": "r"}
    assert api.returned("d", RUN, TaskState("other", -1, "success", 1)) is None


def test_a_failure_is_the_exception_of_the_log(airflow, api):
    content = [
        {"event": "::group::Log message source details"},
        {"level": "info", "event": "starting"},
        *({"level": "error", "event": f"line {number}"} for number in range(5)),
        {"level": "error", "event": "Task failed", "error_detail": [{"exc_value": "scorer was stopped"}]},
    ]
    airflow.answers[f"{TASKS}/t/logs/1"] = (200, {"content": content})
    assert api.failure("d", RUN, TaskState("t", -1, "failed", 1)) == "scorer was stopped"
    assert api.failure("d", RUN, TaskState("u", -1, "failed", 1)) == ""


def test_a_wrong_password_is_named_with_the_remedy(airflow):
    api = AirflowApi(Settings(airflow_port=airflow.server.server_address[1], airflow_admin_password="other"))
    with pytest.raises(AirflowError, match=r"refuses the password.*make down"):
        api.is_paused("d")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_an_airflow_that_is_not_ready_is_waited_for_from_the_login_on(airflow, api, status):
    airflow.answers["/api/v2/dags/d"] = (200, {"is_paused": False})
    airflow.hiccups = [status, status]
    assert api.is_paused("d") is False
    assert len(airflow.asked) == 4


@pytest.mark.parametrize(("status", "asked"), [(503, 2), (504, 1), (500, 1)])
def test_a_run_is_never_started_twice(airflow, api, status, asked):
    airflow.answers["/api/v2/dags/d"] = (200, {"is_paused": False})
    airflow.answers["/api/v2/dags/d/dagRuns"] = (200, {"dag_run_id": RUN})
    api.is_paused("d")
    airflow.asked.clear()
    airflow.hiccups = [status]
    if asked == 1:
        with pytest.raises(AirflowError, match=f"Airflow answers {status}") as raised:
            api.trigger("d", {})
        assert passes_by_itself(raised.value) is (status == 504)
    else:
        assert api.trigger("d", {}) == RUN
    assert len(airflow.asked) == asked


def test_an_airflow_that_is_down_is_named_with_the_remedy(airflow, api):
    airflow.server.shutdown()
    airflow.server.server_close()
    with pytest.raises(AirflowError, match=r"Airflow does not answer .*make up"):
        api.is_paused("d")
