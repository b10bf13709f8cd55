"""Steps on real processes: what is killed, what is stopped, and that it goes on."""

import contextlib
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from faults.load_test import LoadTest
from faults.platform_under_test import PlatformUnderTest
from faults.scenarios.steps import GENERATOR, SCORER, Step
from faults.waiting import wait_for
from infra.local import processes


@pytest.fixture
def parent():
    """A process with a child, in a group of its own."""
    process = subprocess.Popen(["bash", "-c", "sleep 300 & wait"], start_new_session=True)
    wait_for("child", lambda: len(processes.tree(process.pid)) == 2, 10, 0.01)
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def platform(parent, monkeypatch):
    """A platform whose every program is that process, until somebody killed it."""
    monkeypatch.setattr(PlatformUnderTest, "__init__", lambda self: None)
    monkeypatch.setattr(PlatformUnderTest, "running", lambda self, name: SimpleNamespace(pid=parent.pid))
    monkeypatch.setattr(PlatformUnderTest, "works", lambda self, name, instead_of=0: True)
    return PlatformUnderTest()


@pytest.fixture
def run():
    return LoadTest("load-test-payments-1", "manual", datetime.now(UTC), 1, None, "scenario")


def state(pid):
    """R, S, T (stopped), Z (dead), as Linux tells it."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def test_a_stop_holds_children_too_and_lets_all_go_on(platform, parent, run):
    pids = processes.tree(parent.pid)
    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(Step(0, "postgres", stopped_seconds=1).do, platform, run)
        wait_for("stopped tree", lambda: [state(pid) for pid in pids] == ["T", "T"], 10, 0.01)
        fault = doing.result()
    assert "T" not in [state(pid) for pid in pids]
    assert (fault.part, fault.what) == ("postgres", "SIGSTOP 1 s")
    assert fault.at < fault.released <= fault.back


@pytest.mark.parametrize(("part", "survives"), [("postgres", True), (SCORER, False)])
def test_a_kill_is_of_the_process_alone_but_of_the_scorer_with_its_jvm(platform, parent, run, part, survives):
    child = next(pid for pid in processes.tree(parent.pid) if pid != parent.pid)
    fault = Step(0, part).do(platform, run)
    assert parent.wait(10) == -signal.SIGKILL
    assert _lives(child) is survives
    assert fault.released >= fault.at and fault.back


def _lives(pid):
    wait_for("settled child", lambda: not Path(f"/proc/{pid}").exists() or state(pid) in "SZ", 10, 0.01)
    return Path(f"/proc/{pid}").exists() and state(pid) != "Z"


def test_nobody_waits_for_a_generator_to_come_back(platform, run):
    assert Step(0, GENERATOR).do(platform, run).back is None
