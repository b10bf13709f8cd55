"""How far runs are, asked of Airflow and PostgreSQL once a second for all who follow the same run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final

import httpx
import psycopg

from patternalarm.api.airflow import AirflowClient, DagRun, Step
from patternalarm.api.database import Pool
from patternalarm.api.models.load_tests import Links, RunProgress, StepState, Verdict
from patternalarm.api.problems import ProblemError, Unavailable
from patternalarm.api.stores.runs import KnownRun, known_run
from patternalarm.contracts.runs import RUN_ID_PATTERN
from patternalarm.settings import get_settings

_POLL_SECONDS: Final = 1.0
_ENDED: Final = frozenset({"success", "failed"})
_AT_WORK: Final = frozenset({"running", "deferred"})
_RUNNING: Final = "running"


def links_of(run: KnownRun) -> Links:
    """Where to go on from a run."""
    at = f"/api/test/{run.run_id}"
    airflow = f"{get_settings().page('airflow')}/dags/{run.dag_id}/runs/{run.airflow_run_id}"
    return Links(self=at, events=f"{at}/events", report=f"{at}/report", airflow=airflow)


def progress_of(run: KnownRun, dag_run: DagRun | None, airflow_answers: bool) -> RunProgress:
    """What a run's row and its DAG run say together.

    A run has its verdict once its row has one and its DAG run has ended, for the teardown belongs to it: a run that passed and
    could not be cleaned up has failed. A DAG run that ended before it opened a run has failed too.
    """
    return RunProgress(
        run_id=run.run_id,
        domain=run.domain,
        state=_state(run, dag_run, airflow_answers),
        step=_at_work(dag_run),
        steps=None if dag_run is None else [_told(step) for step in dag_run.steps if step.state],
        verdict=_verdict(run, dag_run, airflow_answers),
        requested_at=run.requested_at,
        requested_by=run.requested_by,
        measured_from=run.measured_from,
        measured_until=run.measured_until,
        ended_at=run.ended_at,
        links=links_of(run),
    )


def _told(step: Step) -> StepState:
    return StepState(name=step.name, state=step.state, started_at=step.started_at, ended_at=step.ended_at)


def _at_work(dag_run: DagRun | None) -> str | None:
    steps = [step.name for step in dag_run.steps if step.state in _AT_WORK] if dag_run else []
    return ", ".join(steps) or None


def _state(run: KnownRun, dag_run: DagRun | None, airflow_answers: bool) -> str:
    verdict = _verdict(run, dag_run, airflow_answers)
    if verdict:
        return verdict.state
    return _RUNNING if run.state else "queued"


def _verdict(run: KnownRun, dag_run: DagRun | None, airflow_answers: bool) -> Verdict | None:
    if run.state not in (None, _RUNNING):
        ended = dag_run is None or dag_run.state in _ENDED
        if not ended:
            return None
        if run.state == "passed" and dag_run is not None and dag_run.state == "failed":
            return Verdict(state="failed", reason=f"passed, and then failed in {_failed(dag_run)}")
        return Verdict(state=str(run.state), reason=run.reason)
    if run.state is None and dag_run is not None and dag_run.state in _ENDED:
        return Verdict(state="failed", reason=f"it ended before it was opened, in {_failed(dag_run)}")
    if dag_run is None and airflow_answers and run.state is None:
        return Verdict(state="failed", reason="Airflow does not know the run: it was deleted, or never begun")
    return None


def _failed(dag_run: DagRun) -> str:
    failed = [step.name for step in dag_run.steps if step.state == "failed"]
    return ", ".join(failed) or "no task of its own: it was marked"


class _Followed:
    def __init__(self) -> None:
        self.progress: RunProgress | None = None
        self.changed = asyncio.Condition()
        self.version = 0
        self.followers = 0
        self.task: asyncio.Task[None] | None = None


class ProgressHub:
    """Progress of runs, for whoever asks once, and for whoever follows.

    Args:
        airflow: knows the steps.
        pool: the platform's database, which knows the verdict.
    """

    def __init__(self, airflow: AirflowClient, pool: Pool) -> None:
        self._airflow, self._pool = airflow, pool
        self._followed: dict[str, _Followed] = {}

    async def of(self, run_id: str) -> RunProgress:
        """How far a run is now. With Airflow away it is told without steps.

        Raises:
            ProblemError: there is no such run.
            psycopg.OperationalError: PostgreSQL is away.
        """
        progress, _ = await self._look(run_id)
        return progress

    async def _look(self, run_id: str) -> tuple[RunProgress, bool]:
        """How far a run is, and whether Airflow said so too."""
        run = await self.find(run_id)
        try:
            return progress_of(run, await self._airflow.run(run.dag_id, run.airflow_run_id), airflow_answers=True), True
        except Unavailable:
            return progress_of(run, None, airflow_answers=False), False

    async def find(self, run_id: str) -> KnownRun:
        """A run's row.

        Raises:
            ProblemError: there is no such run.
        """
        run = await known_run(self._pool, run_id) if RUN_ID_PATTERN.fullmatch(run_id) else None
        if run is None:
            raise ProblemError(
                404, "no such run", f"there is no run {run_id!r}", remedy="see /api/runs for what there is"
            )
        return run

    async def follow(self, run_id: str) -> AsyncIterator[RunProgress]:
        """Every change of a run's progress from now on, the present state first and the verdict last.

        What is away meanwhile is waited for: a stream that ended without a verdict would say nothing.

        Raises:
            ProblemError: there is no such run.
        """
        await self.find(run_id)
        followed = self._followed.setdefault(run_id, _Followed())
        followed.followers += 1
        if followed.task is None or followed.task.done():
            followed.task = asyncio.create_task(self._watch(run_id, followed))
        seen = 0
        try:
            while True:
                async with followed.changed:
                    while followed.version == seen:
                        await followed.changed.wait()
                    seen, progress = followed.version, followed.progress
                if progress is None:
                    continue
                yield progress
                if progress.verdict is not None:
                    return
        finally:
            followed.followers -= 1
            if followed.followers == 0:
                self._followed.pop(run_id, None)
                if followed.task is not None:
                    followed.task.cancel()
                    with suppress(asyncio.CancelledError):
                        await followed.task

    async def _watch(self, run_id: str, followed: _Followed) -> None:
        while True:
            with suppress(psycopg.Error, ProblemError, httpx.HTTPError, ValueError, KeyError):
                progress, airflow_answers = await self._look(run_id)
                # Without Airflow nobody knows whether the teardown has ended, so a verdict would be told too early.
                if progress != followed.progress and (airflow_answers or progress.verdict is None):
                    async with followed.changed:
                        followed.progress = progress
                        followed.version += 1
                        followed.changed.notify_all()
                    if progress.verdict is not None:
                        return
            await asyncio.sleep(_POLL_SECONDS)
