"""Watch a run's jobs."""

import time
from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from patternalarm.hooks import targets
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.watch_jobs import WatchJobsTrigger


class WatchJobsOperator(AwaitingOperator):
    """Ends when the generators did; fails at once, and stops them, when a job that they need is gone for good.

    From here on the run's detection is measured, so from here on a watcher notes what interrupts it. That is a process of the
    run and not of Airflow, which may be interrupted itself.

    Args:
        job_id: the run's Flink job.
        jobs: program names of the long-running processes.
        generators: program name of the generators without their number; they must be run with ``remove=False``.
        shards: how many generators there are.
        seconds: how long the generators may run.
        watcher: program name of the watcher.
        command: the watcher's program and arguments.
    """

    template_fields = ("job_id", "jobs", "generators", "shards", "seconds", "watcher", "command")

    def __init__(
        self,
        *,
        job_id: str,
        jobs: Sequence[str],
        generators: str,
        shards: str,
        seconds: str,
        watcher: str,
        command: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.jobs = jobs
        self.generators = generators
        self.shards = shards
        self.seconds = seconds
        self.watcher = watcher
        self.command = command

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Start the watcher, then watch."""
        targets.processes().start_process(self.watcher, self.command, restarts=True)
        self.wait_with(
            WatchJobsTrigger(
                job_id=self.job_id,
                jobs=list(self.jobs),
                generators=[f"{self.generators}-{shard}" for shard in range(int(self.shards))],
                until=time.time() + float(self.seconds),
            )
        )
