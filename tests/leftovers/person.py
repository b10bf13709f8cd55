"""What a person does in Airflow's user interface, by the API that it uses."""

from typing import Any, Final
from urllib.parse import quote

import httpx

from patternalarm.cli.airflow_api import AirflowApi
from patternalarm.contracts.airflow_users import ADMIN_USER
from patternalarm.settings import Settings

_TIMEOUT_SECONDS: Final = 60


class Person(AirflowApi):
    """An administrator who interferes with runs.

    Args:
        settings: where Airflow is, and the administrator's password.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._url = settings.airflow_url
        self._password = settings.airflow_admin_password

    def state_of(self, dag_id: str, run_id: str) -> str:
        """State of a DAG run; ``gone`` when there is none."""
        try:
            return str(self._do("GET", self._run(dag_id, run_id))["state"])
        except httpx.HTTPStatusError as error:
            if error.response.status_code != 404:
                raise
            return "gone"

    def mark_task(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, state: str = "failed") -> None:
        """Mark a task instance."""
        instance = f"{task_id}/{map_index}" if map_index >= 0 else task_id
        self._do("PATCH", f"{self._run(dag_id, run_id)}/taskInstances/{instance}", {"new_state": state})

    def mark_run(self, dag_id: str, run_id: str, state: str = "failed") -> None:
        """Mark a DAG run."""
        self._do("PATCH", self._run(dag_id, run_id), {"state": state})

    def clear(self, dag_id: str, run_id: str, task_id: str, *, downstream: bool) -> None:
        """Clear a task, with all that follows it or alone."""
        body = {
            "dag_run_id": run_id,
            "task_ids": [task_id],
            "include_downstream": downstream,
            "only_failed": False,
            "dry_run": False,
        }
        self._do("POST", f"/dags/{dag_id}/clearTaskInstances", body)

    def delete(self, dag_id: str, run_id: str) -> bool:
        """Delete a DAG run; False when Airflow does not let it go yet."""
        try:
            self._do("DELETE", self._run(dag_id, run_id))
        except httpx.HTTPStatusError as error:
            if error.response.status_code != 409:
                raise
            return False
        return True

    @staticmethod
    def _run(dag_id: str, run_id: str) -> str:
        return f"/dags/{dag_id}/dagRuns/{quote(run_id)}"

    def _do(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        login = {"username": ADMIN_USER, "password": self._password}
        token = _answer("POST", f"{self._url}/auth/token", login)["access_token"]
        return _answer(method, f"{self._url}/api/v2{path}", body, token)


def _answer(method: str, url: str, body: dict[str, Any] | None, token: str = "") -> Any:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = httpx.request(method, url, json=body, headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False)
    answer.raise_for_status()
    return answer.json() if answer.content else None
