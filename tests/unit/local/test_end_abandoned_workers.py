import os
import subprocess
import sys
import time

import pytest
from infra.local import end_abandoned_workers, processes
from infra.local.configuration import SUPERVISED_MARK
from infra.local.end_abandoned_workers import IDLE, WORKER

NAMED = "exec -a '{name}' sleep 600"
# Starts one and lives on, or dies at once, which leaves it.
STARTS = "import subprocess, sys; c = subprocess.Popen(['bash', '-c', sys.argv[1]]); print(c.pid, flush=True); {then}"


@pytest.fixture
def worker(tmp_path):
    """Start a process of a name under the mark of a platform in ``tmp_path``; its id."""
    started, pids = [], []

    def start(name, *, abandoned):
        code = STARTS.format(then="" if abandoned else "c.wait()")
        parent = subprocess.Popen(
            [sys.executable, "-c", code, NAMED.format(name=name)],
            env={**os.environ, SUPERVISED_MARK: str(tmp_path)},
            stdout=subprocess.PIPE,
        )
        started.append(parent)
        pids.append(int(parent.stdout.readline()))
        if abandoned:
            parent.wait()
        while not processes.command_of(pids[-1]).startswith(name):
            time.sleep(0.01)
        return pids[-1]

    yield start
    for pid in [*pids, *(parent.pid for parent in started)]:
        processes.end([processes.Process(pid, "")], 0)
    for parent in started:
        parent.wait()


def test_idle_workers_without_a_scheduler_are_ended_and_no_others(worker, tmp_path, monkeypatch):
    idle, busy = worker(IDLE, abandoned=True), worker(f"{WORKER} task", abandoned=True)
    kept, other = worker(IDLE, abandoned=False), worker("airflow triggerer", abandoned=True)
    assert {one.pid for one in end_abandoned_workers.abandoned_workers(tmp_path)} == {idle, busy}

    def task_ends(_):
        processes.end([processes.Process(busy, "")], 0)

    monkeypatch.setenv(SUPERVISED_MARK, str(tmp_path))
    monkeypatch.setattr(end_abandoned_workers.time, "sleep", task_ends)
    assert end_abandoned_workers.main() == 0
    alive = {one.pid for one in processes.supervised(tmp_path)}
    assert {kept, other} <= alive and not alive & {idle, busy}
