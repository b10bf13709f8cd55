"""A scope's Flink job, as the triggers that wait for something of it look at it."""

from patternalarm.engines.flink_job import FlinkJob
from patternalarm.engines.ports import FlinkCluster
from patternalarm.triggers.polling import Failed


def job_at_work(flink: FlinkCluster, name: str, *, or_finished: bool = False) -> FlinkJob | Failed:
    """The newest job of this name, or why waiting for it is in vain: there is none, or it ended.

    Args:
        flink: the cluster.
        name: the job's name.
        or_finished: take a job that finished by itself too.

    Raises:
        FlinkError: the cluster cannot be reached.
    """
    job = flink.job(name)
    if job is None:
        return Failed(f"Flink knows no job {name}")
    if job.ended and not (or_finished and job.state == "FINISHED"):
        return Failed(f"Flink job {name} is {job.state}: {flink.failure(job.job_id)}")
    return job
