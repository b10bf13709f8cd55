"""A JobManager that is killed, by the real processes under the real supervisor."""

import os
import signal

from infra.local.platform import Platform
from scope import WITHIN_SECONDS, Scope
from waiting import wait_for

from patternalarm.engines import target
from patternalarm.telling_line import telling_line


def test_a_job_outlives_its_jobmanager_and_leaves_nothing_once_it_is_closed(platform: Platform) -> None:
    scope = Scope()
    flink = target.flink()
    job_id = scope.start()
    scope.send(f"before-{number}" for number in range(50))
    scope.read_all()
    known = flink.last_checkpoint(job_id)
    # One that began when all of these were read.
    wait_for(lambda: flink.last_checkpoint(job_id) > known + 1, WITHIN_SECONDS)

    os.kill(platform.supervisor.programs()["flink-jobmanager"].pid, signal.SIGKILL)
    scope.send(f"after-{number}" for number in range(50))
    scope.send(["before-7"])
    out = scope.read_all()
    assert wait_for(scope.running, WITHIN_SECONDS).job_id == job_id
    assert flink.restarted(job_id)
    # It remembers what came before: the state is that of the checkpoint, not a new one.
    assert [record["reason"] for record in out if "reason" in record] == ["conflicting"]

    # As when the answer to the first submission had been lost.
    state, log = scope.submit()
    assert state.exit_code != 0
    assert "already been submitted" in telling_line(log)
    assert flink.jobs_named(scope.job) == [job_id]

    scope.close()
    assert not target.files().exists(scope.name)
    kept = platform.home / "flink"
    assert not [path for path in (kept / "results").iterdir() if job_id in path.name]
    assert not [path for path in (kept / "checkpoints").iterdir() if job_id in path.name]
    wait_for(lambda: not [path for path in (kept / "ha").rglob("*") if path.is_file()], WITHIN_SECONDS)
