"""Wait until a Flink job is submitted and runs."""

from typing import Any

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.engines import target
from patternalarm.triggers.flink_job import job_at_work
from patternalarm.triggers.polling import Done, Failed, PollingTrigger


class FlinkRunningTrigger(PollingTrigger):
    """Done when the submission ended well and every vertex of the job runs; failed with the cause as soon as one ended.

    Args:
        submission: name of the process that submits the job.
        domain: the job's domain.
        scope: the job's scope.
    """

    def __init__(
        self, *, submission: str, domain: str, scope: str, interval: float = 0.5, patience: float | None = None
    ) -> None:
        super().__init__(interval=interval, patience=patience)
        self.submission = submission
        self.domain = domain
        self.scope = scope
        self._job = flink_job_name(domain, scope)
        self._submitted = False

    def look(self) -> Done | Failed | None:
        """Ask for the process until it ended, then ask Flink."""
        if not self._submitted:
            failed = self._failed_submission()
            if failed or not self._submitted:
                return failed
        job = job_at_work(target.flink(), self._job)
        if isinstance(job, Failed):
            return job
        return Done() if job.state == "RUNNING" and job.vertices_running else None

    def _failed_submission(self) -> Failed | None:
        processes = target.processes()
        state = processes.state(self.submission)
        if state and state.alive:
            return None
        if state:
            log = processes.tail_log(self.submission)
            processes.remove(self.submission)
            if state.state != "EXITED" or state.exit_code != 0:
                return Failed(f"not submitted: {state.describe(log)}", log)
            for line in log:
                self.log.info("%s", line)
        # One that is gone ended well before this trigger was moved to another triggerer, or Flink knows no job.
        self._submitted = True
        return None

    def progress(self) -> Any:
        """Whether the job is submitted."""
        return self._submitted

    def on_user_kill(self) -> None:
        """End the submission and the job."""
        target.processes().remove(self.submission)
        flink = target.flink()
        for job_id in flink.jobs_named(self._job):
            flink.cancel(job_id)

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        if not self._submitted:
            return f"{self.submission} has not submitted {self._job}"
        flink = target.flink()
        job = flink.job(self._job)
        why = flink.failure(job.job_id) if job else "Flink knows no such job"
        return f"Flink job {self._job} does not run; {flink.free_slots()} task slots are free and {why}"

    def explaining_log(self) -> list[str]:
        """The submission's last lines."""
        return target.processes().tail_log(self.submission)

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"submission": self.submission, "domain": self.domain, "scope": self.scope}
