"""Start a DAG and follow it: a line for every change, and one at least every ten seconds."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
from rich.console import Console
from rich.markup import escape

from patternalarm.cli.airflow_api import AirflowApi, TaskState
from patternalarm.cli.errors import AirflowError
from patternalarm.passing_errors import passes_by_itself
from patternalarm.retrying import asking_once, before_work_begins, patience_of_settings

_POLL_SECONDS: Final = 1.0
# Under ten seconds even when Airflow takes its time to answer.
_LONGEST_SILENCE_SECONDS: Final = 8.0
# Airflow looks for new DAG files every 10 s and needs some seconds to read them.
_UNKNOWN_DAG_SECONDS: Final = 90.0

_ENDED: Final = frozenset({"success", "failed"})
_WORDS: Final = {
    "running": "started",
    "deferred": "waiting",
    "success": "[green]done[/]",
    "failed": "[red]failed[/]",
    "skipped": "skipped",
}
# What a task waits for, where its name does not tell; said once, when its waiting begins.
_WAITS_FOR: Final = {
    "train_missing_model": "the domain has no model that fits: retrain_model trains one first, which takes about two minutes",
}


@dataclass(frozen=True)
class Followed:
    """A run that ended.

    Attributes:
        dag_id: its DAG.
        airflow_run_id: Airflow's id of it.
        succeeded: whether Airflow calls it a success.
        tasks: its task instances, as they ended.
        seconds: from trigger to end.
    """

    dag_id: str
    airflow_run_id: str
    succeeded: bool
    tasks: list[TaskState]
    seconds: float


def _may_answer_again(error: AirflowError) -> bool:
    # With 500 Airflow answers also while its own database does not let it in for a moment.
    cause = error.__cause__
    return passes_by_itself(error) or (isinstance(cause, httpx.HTTPStatusError) and cause.response.status_code == 500)


class Follower:
    """Starts and follows runs.

    Args:
        api: Airflow.
        console: where progress goes.
        clock: seconds that only grow.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        api: AirflowApi,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = api
        self._console = console
        self._clock = clock
        self._sleep = sleep

    def run(self, dag_id: str, conf: dict[str, Any]) -> Followed:
        """Start ``dag_id`` with ``conf`` and follow it to its end.

        Raises:
            UsageError: the DAG does not take these parameters.
            AirflowError: Airflow cannot be reached, does not know the DAG, or the DAG is paused.
        """
        with before_work_begins():
            self._await_dag(dag_id)
            began = self._clock()
            airflow_run_id = self._api.trigger(dag_id, conf)
        given = ", ".join(f"{name} {value}" for name, value in conf.items())
        self._console.print(f"[bold]{dag_id}[/] {escape(given)}")
        self._console.print(f"  {self._api.url_of(dag_id, airflow_run_id)}", soft_wrap=True)
        try:
            state, tasks = self._watch(dag_id, airflow_run_id, began)
        except KeyboardInterrupt:
            self._console.print(f"not followed any more; the run goes on: {self._api.url_of(dag_id, airflow_run_id)}")
            raise
        followed = Followed(dag_id, airflow_run_id, state == "success", tasks, self._clock() - began)
        self._tell_failures(followed)
        return followed

    def _await_dag(self, dag_id: str) -> None:
        began = self._clock()
        while True:
            paused = self._api.is_paused(dag_id)
            if paused is False:
                return
            if paused:
                raise AirflowError(f"{dag_id} is paused: unpause it in Airflow, or `airflow dags unpause {dag_id}`")
            if self._clock() - began > _UNKNOWN_DAG_SECONDS:
                errors = self._api.import_errors()
                raise AirflowError(f"Airflow does not know {dag_id}: {'; '.join(errors) or 'see `make logs`'}")
            if self._clock() - began < _POLL_SECONDS:
                self._console.print(f"waiting until Airflow has read {dag_id}")
            self._sleep(_POLL_SECONDS)

    def _watch(self, dag_id: str, airflow_run_id: str, began: float) -> tuple[str, list[TaskState]]:
        seen: dict[str, str] = {}
        since: dict[str, float] = {}
        spoke = answered = self._clock()
        while True:
            try:
                with asking_once():
                    state = self._api.run_state(dag_id, airflow_run_id)
                    tasks = self._api.tasks(dag_id, airflow_run_id)
            except AirflowError as error:
                # Under full load, or while it is restarted; the run itself goes on.
                if not _may_answer_again(error) or self._clock() - answered > patience_of_settings():
                    raise
                spoke = self._clock()
                self._say(spoke - began, "[dim]Airflow does not answer[/]")
                self._sleep(_POLL_SECONDS)
                continue
            now = answered = self._clock()
            for task in tasks:
                if task.state == seen.get(task.name) or task.state not in _WORDS:
                    continue
                before, seen[task.name] = seen.get(task.name), task.state
                started = since.setdefault(task.name, now)
                if task.state == "deferred" and task.name in _WAITS_FOR:
                    self._say(now - began, f"{task.name}: {_WAITS_FOR[task.name]}")
                    spoke = now
                    continue
                # Between its start and its end a task may wait and come back, which nobody needs to know.
                if {task.state, before} == {"deferred", "running"}:
                    continue
                took = f" after {now - started:.0f} s" if task.state in _ENDED and now - started >= 1 else ""
                self._say(now - began, f"{task.name} {_WORDS[task.state]}{took}")
                spoke = now
            if state in _ENDED:
                return state, tasks
            if now - spoke >= _LONGEST_SILENCE_SECONDS:
                busy = [f"{name} {now - since[name]:.0f} s" for name, s in seen.items() if s in ("running", "deferred")]
                self._say(now - began, f"[dim]{', '.join(busy) or 'waiting for a free worker'}[/]")
                spoke = now
            self._sleep(_POLL_SECONDS)

    def _tell_failures(self, followed: Followed) -> None:
        for task in followed.tasks:
            if task.state == "failed":
                reason = self._api.failure(followed.dag_id, followed.airflow_run_id, task)
                self._console.print(
                    f"[red]{task.name} failed[/]: {escape(reason or 'see its log')}", soft_wrap=True, highlight=False
                )

    def _say(self, seconds: float, text: str) -> None:
        self._console.print(f"  {seconds:5.0f} s  {text}", soft_wrap=True, highlight=False)
