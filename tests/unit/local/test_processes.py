import contextlib
import os
import signal
import socket
import subprocess
import sys

import pytest
from infra.local import processes
from infra.local.configuration import SUPERVISED_MARK

PARENT_OF_ONE = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"])
child.wait()
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


@pytest.fixture
def supervised(tmp_path):
    """Start a program with the mark of a platform in ``tmp_path``; it says when it is up."""
    started = []

    def start(code):
        environment = {**os.environ, SUPERVISED_MARK: str(tmp_path)}
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, start_new_session=True
        )
        started.append(process)
        process.stdout.readline()
        return process

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_children_of_a_supervised_process_are_found_and_those_of_another_platform_are_not(supervised, tmp_path):
    parent = supervised(PARENT_OF_ONE)
    found = {process.pid for process in processes.supervised(tmp_path)}
    assert found == set(processes.tree(parent.pid))
    assert len(found) == 2
    assert processes.supervised(tmp_path / "another") == []


def test_a_child_that_lost_the_mark_is_found_by_its_parent(supervised, tmp_path):
    parent = supervised(PARENT_OF_ONE.replace('600)"]', '600)"], env={}'))
    assert {process.pid for process in processes.supervised(tmp_path)} == set(processes.tree(parent.pid))
    assert len(processes.tree(parent.pid)) == 2


def test_who_does_not_stop_when_asked_is_killed(supervised, tmp_path):
    obedient, deaf = supervised(PARENT_OF_ONE), supervised(DEAF)
    killed = processes.end(processes.supervised(tmp_path), grace_seconds=2.0)
    assert [process.pid for process in killed] == [deaf.pid]
    assert obedient.wait(10) == -signal.SIGTERM
    assert deaf.wait(10) == -signal.SIGKILL
    assert processes.supervised(tmp_path) == []


def test_a_busy_port_names_its_holder():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        server.listen()
        assert not processes.is_free("127.0.0.1", port)
        holder = processes.holder_of(port)
        assert holder is not None
        assert holder.pid == os.getpid()
    assert processes.is_free("127.0.0.1", port)
    assert processes.holder_of(port) is None


def test_memory_of_a_process_that_is_gone_is_nothing():
    gone = subprocess.Popen(["true"])
    gone.wait()
    assert processes.memory_bytes([gone.pid]) == (0, 0)
    proportional, resident = processes.memory_bytes([os.getpid()])
    assert 0 < proportional <= resident
