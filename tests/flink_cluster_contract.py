"""The contract of ``FlinkCluster``: a story of two jobs, told to whoever stands behind the port."""

from typing import Protocol

import pytest
from waiting import wait_for

from patternalarm.engines.errors import FlinkError
from patternalarm.engines.ports import FlinkCluster

UNKNOWN = "0123456789abcdef" * 2


class Stage(Protocol):
    """A cluster, and what a test does to it that is no business of the port."""

    cluster: FlinkCluster
    name: str
    """Name of the job that ``start`` starts."""
    topic: str
    """Topic that such a job reads, of one or more partitions."""
    savepoints: str

    def start(self) -> None:
        """Start the job, and return when the cluster has it."""

    def publish(self, count: int) -> None:
        """Put records into the topic."""


def tell(stage: Stage, other: Stage) -> None:
    """Run the contract: the first job is drained, the other one of the same cluster is cancelled."""
    flink, name = stage.cluster, stage.name
    assert flink.job(name) is None
    assert flink.jobs_named(name) == []
    for asking in (
        flink.cancel,
        flink.last_checkpoint,
        flink.restarted,
        lambda job_id: flink.read_offsets(job_id, stage.topic),
    ):
        with pytest.raises(FlinkError):
            asking(UNKNOWN)
    free, total = flink.free_slots(), flink.all_slots()
    assert 0 < free <= total

    stage.start()
    first = wait_for(lambda: running(flink, name), seconds=60)
    assert (first.name, first.state, first.ended) == (name, "RUNNING", False)
    assert flink.jobs_named(name) == [first.job_id]
    assert flink.running_jobs()[first.job_id] == name
    assert flink.job(f"{name}0") is None
    assert wait_for(lambda: flink.free_slots() < free, seconds=60)
    assert flink.all_slots() == total
    stage.publish(40)
    # Each offset is that of a record, so they count one less than there are, partition by partition.
    wait_for(lambda: sum(offset + 1 for offset in flink.read_offsets(first.job_id, stage.topic).values()) == 40, 60)

    request = flink.stop_with_drain(first.job_id, stage.savepoints)
    assert wait_for(lambda: ended(flink, name), seconds=60) == "FINISHED"
    assert flink.stop_failure(first.job_id, request) is None
    assert flink.jobs_named(name) == []
    assert name not in flink.running_jobs().values()
    wait_for(lambda: flink.free_slots() == free, seconds=60)

    wait_for(lambda: name in flink.ended_jobs(), seconds=60)
    flink.forget(name)
    assert name not in flink.ended_jobs()
    # A run's job has the run's name, and there is no second one of that name: Flink would refuse it.
    name = other.name
    other.start()
    second = wait_for(lambda: running(flink, name), seconds=60)
    assert second.job_id != first.job_id
    assert flink.jobs_named(name) == [second.job_id]
    assert flink.last_checkpoint(second.job_id) >= 0
    assert not flink.restarted(second.job_id)
    flink.cancel(second.job_id)
    assert wait_for(lambda: ended(flink, name), seconds=60) == "CANCELED"
    assert flink.failure(second.job_id)
    assert flink.jobs_named(name) == []
    flink.forget(name)
    flink.forget(name)


def running(flink: FlinkCluster, name: str):
    """The job of this name, once all of it runs."""
    job = flink.job(name)
    return job if job and job.state == "RUNNING" and job.vertices_running else None


def ended(flink: FlinkCluster, name: str) -> str | None:
    """State of the job of this name, once it ended."""
    job = flink.job(name)
    return job.state if job and job.ended else None
