"""Airflow's public REST API, as far as the command line needs it."""

import json
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpx

from patternalarm.cli.errors import AirflowError, UsageError
from patternalarm.contracts.airflow_users import ADMIN_USER
from patternalarm.http_client import detail_of, http_client
from patternalarm.passing_errors import passes_by_itself, was_not_heard
from patternalarm.remedies import RESTART_PLATFORM, START_PLATFORM
from patternalarm.retrying import retrying
from patternalarm.settings import Settings
from patternalarm.telling_line import telling_line

# A poll that takes longer would be a silence, and whoever waits asks again; a run must not be started twice.
_TIMEOUT_SECONDS: Final = {"GET": 9, "POST": 60}
_UNFIT_PARAMETERS: Final = (400, 422)


@dataclass(frozen=True)
class TaskState:
    """State of a task instance.

    Attributes:
        task_id: the task's id, its group included.
        map_index: number of a mapped task's instance, -1 of an unmapped one.
        state: Airflow's word; empty while nothing has happened.
        try_number: how often it was tried, from 1.
    """

    task_id: str
    map_index: int
    state: str
    try_number: int

    @property
    def name(self) -> str:
        """The task's id without its group, with its number if it is mapped."""
        short = self.task_id.rpartition(".")[2]
        return f"{short} [{self.map_index}]" if self.map_index >= 0 else short


class AirflowApi:
    """A session with Airflow's API server, as its administrator.

    Args:
        settings: where Airflow is, and the administrator's password.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._token = ""
        self._client = http_client(settings.airflow_url, None)

    def is_paused(self, dag_id: str) -> bool | None:
        """Whether the DAG is paused; None when Airflow does not know it (yet).

        Raises:
            AirflowError: Airflow cannot be reached.
        """
        found = self._call("GET", f"/dags/{dag_id}", missing_is_none=True)
        return None if found is None else bool(found["is_paused"])

    def import_errors(self) -> list[str]:
        """Files that Airflow cannot import, each with the line that says why.

        Raises:
            AirflowError: Airflow cannot be reached.
        """
        errors = self._call("GET", "/importErrors")["import_errors"]
        return [f"{error['filename']}: {telling_line(str(error['stack_trace']).splitlines())}" for error in errors]

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Start a run of the DAG with these parameters; Airflow's id of the run.

        Raises:
            UsageError: the parameters are not what the DAG takes.
            AirflowError: Airflow cannot be reached or refuses.
        """
        run = self._call("POST", f"/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """State of a run: queued, running, success or failed.

        Raises:
            AirflowError: there is none, or Airflow cannot be reached.
        """
        return str(self._call("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id)}")["state"])

    def tasks(self, dag_id: str, run_id: str) -> list[TaskState]:
        """Every task instance of a run.

        Raises:
            AirflowError: there is no such run, or Airflow cannot be reached.
        """
        found = self._call("GET", f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances?limit=500")
        return [
            TaskState(task["task_id"], int(task["map_index"]), task["state"] or "", int(task["try_number"]))
            for task in found["task_instances"]
        ]

    def returned(self, dag_id: str, run_id: str, task: TaskState) -> Any:
        """What a task returned; None when it did not.

        Raises:
            AirflowError: Airflow cannot be reached.
        """
        query = urlencode({"map_index": task.map_index, "deserialize": "true"})
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task.task_id}/xcomEntries/return_value?{query}"
        entry = self._call("GET", path, missing_is_none=True)
        value = entry["value"] if entry else None
        if isinstance(value, str):
            try:
                return json.loads(value)
            except ValueError:
                return value
        return value

    def failure(self, dag_id: str, run_id: str, task: TaskState) -> str:
        """Why a task failed: the message of its exception, or its last error; empty when its log has neither.

        Raises:
            AirflowError: Airflow cannot be reached.
        """
        query = urlencode({"map_index": task.map_index, "full_content": "true"})
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task.task_id}/logs/{max(1, task.try_number)}?{query}"
        found = self._call("GET", path, missing_is_none=True)
        content = [entry for entry in (found or {}).get("content", []) if isinstance(entry, dict)]
        errors = [entry for entry in content if str(entry.get("level")).lower() in ("error", "critical")]
        raised = [entry["error_detail"][0]["exc_value"] for entry in errors if entry.get("error_detail")]
        said = [entry.get("event") or "" for entry in errors]
        return str(next((lines[-1] for lines in (raised, said) if lines), "")).strip()

    def url_of(self, dag_id: str, run_id: str) -> str:
        """Where a browser shows the run."""
        return f"{self._settings.page('airflow')}/dags/{dag_id}/runs/{quote(run_id)}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, missing_is_none: bool = False) -> Any:
        if not self._token:
            self._token = self._log_in()
        answer = self._send(method, f"/api/v2{path}", body, self._token)
        if answer.status_code == 401:
            self._token = self._log_in()
            answer = self._send(method, f"/api/v2{path}", body, self._token)
        if answer.status_code == 404 and missing_is_none:
            return None
        if answer.status_code in _UNFIT_PARAMETERS and method == "POST":
            raise UsageError(f"Airflow refuses the parameters: {detail_of(answer)}")
        return _fit(answer, f"{method} {path}")

    def _log_in(self) -> str:
        login = {"username": ADMIN_USER, "password": self._settings.airflow_admin_password}
        answer = self._send("POST", "/auth/token", login, "")
        if answer.status_code in (401, 403):
            raise AirflowError(
                f"Airflow at {self._settings.airflow_url} refuses the password in "
                f"{self._settings.home / 'secrets.env'}: {RESTART_PLATFORM}"
            )
        return str(_fit(answer, "a login")["access_token"])

    def _send(self, method: str, path: str, body: dict[str, Any] | None, token: str) -> httpx.Response:
        """The answer, whatever it is, once what passes by itself was waited out."""
        # A run must not be started twice; a login may.
        passes = was_not_heard if method == "POST" and token else passes_by_itself
        policy = retrying(f"{method} {path} of Airflow", self._settings.patience_seconds, passes=passes)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        timeout = _TIMEOUT_SECONDS[method]

        def ask() -> httpx.Response:
            answer = self._client.request(method, path, json=body, headers=headers, timeout=timeout)
            return answer.raise_for_status()

        try:
            return policy(ask)
        except httpx.HTTPStatusError as error:
            return error.response
        except httpx.TransportError as error:
            raise AirflowError(
                f"Airflow does not answer at {self._settings.airflow_url} ({error}): {START_PLATFORM}"
            ) from error


def _fit(answer: httpx.Response, what: str) -> Any:
    """What an answer holds.

    Raises:
        AirflowError: it is a refusal.
    """
    try:
        return answer.raise_for_status().json()
    except httpx.HTTPStatusError as error:
        raise AirflowError(f"Airflow answers {answer.status_code} to {what}: {detail_of(answer)}") from error
