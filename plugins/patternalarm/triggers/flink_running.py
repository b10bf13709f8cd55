"""Wait until a Flink job runs."""

from typing import Any

from patternalarm.hooks import targets
from patternalarm.triggers.polling import Done, Failed, PollingTrigger


class FlinkRunningTrigger(PollingTrigger):
    """Done when every vertex of the job runs, failed with the cause as soon as the job ended.

    Args:
        job_id: the Flink job.
    """

    def __init__(self, *, job_id: str, interval: float = 0.5, patience: float | None = None) -> None:
        super().__init__(interval=interval, patience=patience)
        self.job_id = job_id

    def look(self) -> Done | Failed | None:
        """Ask Flink once."""
        flink = targets.flink()
        job = flink.job(self.job_id)
        if job.ended:
            return Failed(f"Flink job {job.name} is {job.state}: {flink.failure(self.job_id)}")
        return Done() if job.state == "RUNNING" and job.vertices_running else None

    def on_user_kill(self) -> None:
        """Cancel the job."""
        targets.flink().cancel(self.job_id)

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        flink = targets.flink()
        return (
            f"Flink job {flink.job(self.job_id).name} does not run; {flink.free_slots()} task slots are free "
            f"and {flink.failure(self.job_id)}"
        )

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"job_id": self.job_id}
