"""Close a run: whatever happened, nothing of it stays up."""

import time
from collections.abc import Callable
from typing import Any, Final

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.contracts.tables import CONSUMER_OFFSET
from patternalarm.engines import target
from patternalarm.engines.errors import FlinkError
from patternalarm.hooks.kafka_topics import KafkaTopicsHook
from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.runs import registry as runs

_CANCEL_SECONDS: Final = 60


class CloseRunOperator(BaseOperator):  # type: ignore[misc]
    """Stops the run's processes and Flink job, drops its topics and scratch files, releases its lease.

    The teardown task of a run. Every step is tried whatever became of the others, and doing it again is no error. A run
    that nobody graded ends as failed, with the tasks that failed as its reason.

    Args:
        run_id: the run.
        domain: the run's domain.
        keep_topics: ``True`` leaves the topics to their retention, for a look into them.
        succeeded: task whose success makes an ungraded run a passed one; None when only a grade can.
    """

    template_fields = ("run_id", "domain", "keep_topics")

    def __init__(
        self, *, run_id: str, domain: str, keep_topics: str = "False", succeeded: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id
        self.domain = domain
        self.keep_topics = keep_topics
        self.succeeded = succeeded

    def execute(self, context: Context) -> None:
        """Close it.

        Raises:
            AirflowException: something could not be done; the message names each.
        """
        steps: list[tuple[str, Callable[[], None]]] = [
            ("stop processes", self._stop_processes),
            ("cancel the Flink job", self._cancel_flink_job),
            ("drop topics", self._drop_topics),
            ("remove scratch files", self._remove_scratch_files),
            ("end the run", lambda: self._end_run(context)),
        ]
        problems = []
        for what, step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - one engine that is down must not keep the others up
                self.log.error("cannot %s: %s", what, error)
                problems.append(f"{what}: {error}")
        if problems:
            raise AirflowException(f"run {self.run_id} is not closed: {'; '.join(problems)}")

    def _stop_processes(self) -> None:
        processes = target.processes()
        for name in processes.names(f"{self.run_id}."):
            self.log.info("stopping %s", name)
            processes.remove(name)

    def _cancel_flink_job(self) -> None:
        flink = target.flink()
        name = flink_job_name(self.domain, self.run_id)
        for job_id in flink.jobs_named(name):
            self.log.info("cancelling Flink job %s", job_id)
            flink.cancel(job_id)
        patience_ends = time.monotonic() + _CANCEL_SECONDS
        while flink.jobs_named(name):
            if time.monotonic() > patience_ends:
                raise FlinkError(f"Flink job {name} still runs {_CANCEL_SECONDS} s after it was cancelled")
            time.sleep(0.5)

    def _drop_topics(self) -> None:
        if self.keep_topics == "True":
            return
        dropped = KafkaTopicsHook().drop(self.domain, self.run_id)
        self.log.info("dropped %d topics", len(dropped))

    def _remove_scratch_files(self) -> None:
        target.files().remove(self.run_id)

    def _end_run(self, context: Context) -> None:
        state, reason = self._verdict(context)

        def end(connection: Any) -> bool:
            ended = runs.finish_run(connection, self.run_id, state, reason)
            connection.execute(f"DELETE FROM {CONSUMER_OFFSET} WHERE scope = %s", (self.run_id,))
            runs.release_lease(connection, self.run_id)
            return ended

        if PlatformDatabaseHook().write(f"end run {self.run_id}", end):
            self.log.info("run %s ended as %s: %s", self.run_id, state, reason)

    def _verdict(self, context: Context) -> tuple[runs.RunState, str | None]:
        states = self._states(context["ti"])
        if self.succeeded and states.get(self.succeeded) == "success":
            return runs.RunState.PASSED, None
        failed = sorted(task for task, state in states.items() if state == "failed")
        return runs.RunState.FAILED, f"failed at {', '.join(failed)}" if failed else "ended before it was graded"

    @staticmethod
    def _states(ti: Any) -> dict[str, str]:
        """States of the run's tasks by task id. In a mapped group, Airflow puts ``_<map index>`` behind each id."""
        mapped = ti.map_index is not None and ti.map_index >= 0
        found = ti.get_task_states(
            dag_id=ti.dag_id, run_ids=[ti.run_id], map_index=ti.map_index if mapped else None
        ).get(ti.run_id, {})
        return {key.removesuffix(f"_{ti.map_index}"): state for key, state in found.items()} if mapped else found
