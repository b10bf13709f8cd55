"""Watch a run's jobs."""

import time
from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.watch_jobs import WatchJobsTrigger


class WatchJobsOperator(AwaitingOperator):
    """Ends when the generators did; fails at once, and stops them, when a job that they need is gone for good.

    From here on the run's detection is measured, so from here on a watcher notes what interrupts it. That is a process of the
    run and not of Airflow, which may be interrupted itself.

    Args:
        domain: the run's domain.
        scope: the run.
        jobs: names of the long-running processes.
        generators: name of the generators without their number; they must be run with ``remove=False``.
        shards: how many generators there are.
        seconds: how long the generators may run.
        watcher: the watcher's job.
    """

    template_fields = ("domain", "scope", "jobs", "generators", "shards", "seconds", "watcher")

    def __init__(
        self,
        *,
        domain: str,
        scope: str,
        jobs: Sequence[str],
        generators: str,
        shards: str,
        seconds: str,
        watcher: JobSpec,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.domain = domain
        self.scope = scope
        self.jobs = jobs
        self.generators = generators
        self.shards = shards
        self.seconds = seconds
        # As JSON, which Airflow fills in and shows.
        self.watcher = watcher.to_json()

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Start the watcher, then watch."""
        target.processes().start(JobSpec.of(self.watcher))
        self.wait_with(
            WatchJobsTrigger(
                domain=self.domain,
                scope=self.scope,
                jobs=list(self.jobs),
                generators=[f"{self.generators}-{shard}" for shard in range(int(self.shards))],
                until=time.time() + float(self.seconds),
            )
        )
