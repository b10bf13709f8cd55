"""Close what no live run owns."""

import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException

from patternalarm.contracts.jobs import CHECK_FILE
from patternalarm.engines import target
from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.runs import registry as runs
from patternalarm.runs.belongings import RunTopics, all_belongings
from patternalarm.runs.closing import RunCloser

_ALIVE: Final = ("queued", "running")
# Longer than any check of a file may take.
_CHECK_SECONDS: Final = 900

T = TypeVar("T")


class CloseAbandonedRunsOperator(BaseOperator):  # type: ignore[misc]
    """Closes every run whose lease has expired or whose DAG run has ended or is gone, and removes what is found under the
    run_id of a run that is closed or that nobody knows.

    The engines are looked at first, the registry after them: a run's lease is written before anything of it is started, so
    whatever is seen of a run that lives has its lease by the time that leases are read. What is of the scope ``live``, of the
    platform itself or of somebody else bears no run_id, and is not looked at.
    """

    def execute(self, context: Context) -> None:
        """Look, then close and remove. Every run is tried, whatever became of the others.

        Raises:
            AirflowException: something could not be looked at or removed; the message names each.
        """
        problems: list[str] = []

        def tried(what: str, work: Callable[[], T], otherwise: T) -> T:
            try:
                return work()
            except Exception as error:  # noqa: BLE001 - one engine that is down must not keep the others up
                self.log.error("cannot %s: %s", what, error)
                problems.append(f"cannot {what}: {error}")
                return otherwise

        seen: defaultdict[str, set[str]] = defaultdict(set)
        for kind in all_belongings():
            found: dict[str, list[str]] = tried(f"look for {kind.what}", kind.by_run, {})
            for run_id in found:
                seen[run_id].add(kind.what)
        tried("remove checks of files", self._remove_checks, None)
        database = PlatformDatabaseHook()
        # Without the registry nobody knows what is live, so nothing is touched.
        open_runs = database.write("look for open runs", runs.open_runs)
        kept = database.write("ask whose topics to keep", lambda connection: runs.with_kept_topics(connection, seen))

        closer = RunCloser(self.log)
        for run in open_runs:
            seen.pop(run.run_id, None)
            tried(f"close {run.run_id}", partial(self._close_if_abandoned, context["ti"], database, closer, run), None)
        for run_id, kinds in sorted(seen.items()):
            keep = run_id in kept
            left = kinds - {RunTopics.what} if keep else kinds
            if left:
                self.log.info("%s of %s are left, which is closed or unknown", ", ".join(sorted(left)), run_id)
                tried(f"remove {run_id}", partial(closer.remove, run_id, keep_topics=keep), None)
        if problems:
            raise AirflowException("; ".join(problems))

    def _close_if_abandoned(
        self, ti: Any, database: PlatformDatabaseHook, closer: RunCloser, run: runs.OpenRun
    ) -> None:
        if not ti.get_dr_count(dag_id=run.dag_id, run_ids=[run.airflow_run_id], states=list(_ALIVE)):
            why = f"run {run.airflow_run_id} of {run.dag_id} ended without closing it"
        elif run.live or run.closing:
            return
        elif database.write(
            f"release {run.run_id}", lambda connection: runs.release_lease_unless_live(connection, run.run_id)
        ):
            minutes = runs.LEASE_DURATION.total_seconds() / 60
            why = f"no task of it began or waited for {minutes:.0f} min"
        else:
            # Renewed since it was read.
            return
        self.log.info("closing %s: %s", run.run_id, why)
        closer.close(run.run_id, runs.RunState.FAILED, why, keep_topics=run.keep_topics)

    @staticmethod
    def _remove_checks() -> None:
        # A file is checked before a run is opened; one whose task was ended has nobody to remove it.
        processes = target.processes()
        for name in processes.names(f"{CHECK_FILE}."):
            state = processes.state(name)
            if state and 0 < state.started_at < time.time() - _CHECK_SECONDS:
                processes.remove(name)
