"""Run a process to its end."""

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import Context

from patternalarm.engines import target
from patternalarm.engines.job_spec import JobSpec
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.process_exit import ProcessExitTrigger


class RunProcessOperator(AwaitingOperator):
    """Starts a job and waits until it ends; another exit code than 0 fails the task, its last lines are in the log.

    A process that is killed is not started again: what it did so far is not known.

    Args:
        job: the job.
        options: more options of the job, for mapping.
        accepted: exit codes that are a success.
        remove: forget the process once it ended; False leaves it to a teardown, for others to look at.
    """

    template_fields = ("job", "options")

    def __init__(
        self,
        *,
        job: JobSpec,
        options: Mapping[str, str] | None = None,
        accepted: Sequence[int] = (0,),
        remove: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        # As JSON, which Airflow fills in and shows.
        self.job = job.to_json()
        self.options = options or {}
        self.accepted = accepted
        self.remove = remove

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Start the process, then wait for its end."""
        job = JobSpec.of(self.job).with_options(self.options)
        self.log.info("starting %s", job.describe())
        target.processes().start(job)
        self.wait_with(ProcessExitTrigger(name=job.name, accepted=list(self.accepted), remove=self.remove))
