"""Watch a run's jobs."""

import time
from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.watch_jobs import WatchJobsTrigger


class WatchJobsOperator(AwaitingOperator):
    """Ends when the generators did; fails at once, and stops them, when a job that they need is gone for good.

    Args:
        domain: the run's domain.
        scope: the run.
        jobs: names of the long-running processes.
        generators: name of the generators without their number; they must be run with ``remove=False``.
        shards: how many generators there are.
        seconds: how long the generators may run.
    """

    template_fields = ("domain", "scope", "jobs", "generators", "shards", "seconds")

    def __init__(
        self,
        *,
        domain: str,
        scope: str,
        jobs: Sequence[str],
        generators: str,
        shards: str,
        seconds: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.domain = domain
        self.scope = scope
        self.jobs = jobs
        self.generators = generators
        self.shards = shards
        self.seconds = seconds

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Watch."""
        self.wait_with(
            WatchJobsTrigger(
                domain=self.domain,
                scope=self.scope,
                jobs=list(self.jobs),
                generators=[f"{self.generators}-{shard}" for shard in range(int(self.shards))],
                until=time.time() + float(self.seconds),
            )
        )
