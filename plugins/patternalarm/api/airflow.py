"""Airflow's public REST API as the API's own user, who may trigger and read a few DAGs and nothing else."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import httpx

from patternalarm.api.problems import ProblemError, Unavailable
from patternalarm.contracts.airflow_users import API_USER
from patternalarm.http_client import detail_of
from patternalarm.passing_errors import was_not_heard
from patternalarm.remedies import RESTART_PLATFORM, START_PLATFORM
from patternalarm.settings import Settings

_TIMEOUT_SECONDS: Final = 9.0
# Under full load Airflow takes its time to start a run; the run's id is ours, so asking again starts no second one.
_TRIGGER_TIMEOUT_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Step:
    """A task instance of a run.

    Attributes:
        name: the task's id without its group, with its number if it is mapped.
        state: Airflow's word; empty while nothing has happened.
        started_at: ISO time, or None.
        ended_at: ISO time, or None.
    """

    name: str
    state: str
    started_at: str | None
    ended_at: str | None


@dataclass(frozen=True)
class DagRun:
    """A run of a DAG: its state (queued, running, success, failed) and its steps, in the order they started."""

    state: str
    steps: tuple[Step, ...]


class AirflowClient:
    """A session with Airflow's API server.

    Raises, each method: ``Unavailable`` when Airflow does not answer, ``ProblemError`` when it refuses.

    Args:
        settings: where Airflow is, and the password of the API's user.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = httpx.AsyncClient(base_url=settings.airflow_url, trust_env=False, timeout=_TIMEOUT_SECONDS)
        self._token = ""

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()

    async def trigger(self, dag_id: str, run_id: str, run_after: datetime, conf: dict[str, Any], note: str) -> None:
        """Start the run ``run_id`` of a DAG; one of that id that is there already is the same run."""
        body = {
            "dag_run_id": run_id,
            "logical_date": None,
            "run_after": run_after.isoformat(),
            "conf": conf,
            "note": note,
        }
        answer = await self._send("POST", f"/dags/{dag_id}/dagRuns", body)
        if answer.status_code == 409:
            return
        if answer.status_code in (400, 422):
            raise ProblemError(
                422, "parameters refused", detail_of(answer), remedy="see the call's schema in /docs and ask again"
            )
        self._fit(answer, "the trigger")

    async def is_paused(self, dag_id: str) -> bool:
        """Whether a DAG that Airflow knows is paused."""
        return bool(self._fit(await self._send("GET", f"/dags/{dag_id}"), f"a question about {dag_id}")["is_paused"])

    async def run(self, dag_id: str, run_id: str) -> DagRun | None:
        """One run with its steps; None when Airflow does not know it (any more)."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}"
        answer = await self._send("GET", path)
        if answer.status_code == 404:
            return None
        state = str(self._fit(answer, "a question about a run")["state"])
        tasks = self._fit(await self._send("GET", f"{path}/taskInstances?limit=500"), "a question about its tasks")
        steps = [_step(task) for task in tasks["task_instances"]]
        return DagRun(state, tuple(sorted(steps, key=lambda step: (step.started_at or "9", step.name))))

    async def stop(self, dag_id: str, run_id: str) -> None:
        """Mark a run failed: what it runs is ended, and its teardown follows."""
        answer = await self._send("PATCH", f"/dags/{dag_id}/dagRuns/{quote(run_id)}", {"state": "failed"})
        self._fit(answer, "the stop")

    async def health(self) -> dict[str, str]:
        """State by component (metadatabase, scheduler, triggerer, dag_processor), in Airflow's words."""
        try:
            answer = await self._client.get("/api/v2/monitor/health", timeout=2.0)
            return {name: str(part["status"]) for name, part in answer.raise_for_status().json().items()}
        except httpx.HTTPError as error:
            raise self._away(error) from error

    async def _send(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        answer = None
        if self._token:
            answer = await self._ask(method, f"/api/v2{path}", body)
        if answer is None or answer.status_code == 401:
            await self._log_in()
            answer = await self._ask(method, f"/api/v2{path}", body)
        return answer

    async def _log_in(self) -> None:
        login = {"username": API_USER, "password": self._settings.airflow_api_password}
        self._token = ""
        answer = await self._ask("POST", "/auth/token", login)
        if answer.status_code in (401, 403):
            raise Unavailable("airflow", "Airflow refuses the password of the API's user", RESTART_PLATFORM)
        self._token = str(self._fit(answer, "a login")["access_token"])

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        timeout = _TIMEOUT_SECONDS if method == "GET" else _TRIGGER_TIMEOUT_SECONDS
        try:
            answer = await self._client.request(method, path, json=body, headers=headers, timeout=timeout)
        except httpx.HTTPError as error:
            raise self._away(error) from error
        if answer.status_code >= 500:
            raise Unavailable("airflow", f"Airflow answers {answer.status_code}", START_PLATFORM, heard=True)
        return answer

    @staticmethod
    def _away(error: httpx.HTTPError) -> Unavailable:
        return Unavailable(
            "airflow",
            f"Airflow does not answer ({type(error).__name__})",
            START_PLATFORM,
            heard=not was_not_heard(error),
        )

    @staticmethod
    def _fit(answer: httpx.Response, what: str) -> Any:
        if answer.is_success:
            return answer.json()
        raise ProblemError(
            502,
            "Airflow refuses",
            f"Airflow answers {answer.status_code} to {what}: {detail_of(answer)}",
            remedy=START_PLATFORM,
        )


def _step(task: dict[str, Any]) -> Step:
    short = str(task["task_id"]).rpartition(".")[2]
    name = f"{short} [{task['map_index']}]" if int(task["map_index"]) >= 0 else short
    return Step(name, task["state"] or "", task["start_date"], task["end_date"])
