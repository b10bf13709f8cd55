"""What the supervisor does beyond the contract of ``tests/engines``, on a real supervisord."""

import http.client
import os
import signal
import sys
import time
import xmlrpc.client
from pathlib import Path

import pytest

from patternalarm.engines.local import supervisor
from patternalarm.engines.local.processes import SupervisedProcesses
from patternalarm.engines.local.supervisor import Supervisor, SupervisorError


@pytest.fixture
def hook(supervised):
    hook = SupervisedProcesses(supervised)
    yield hook
    # The supervisor is shared: what a failed test left behind would fail others.
    for name in hook.names(""):
        hook.remove(name)


def python(code):
    return [sys.executable, "-c", code]


def script(tmp_path, code):
    file = tmp_path / "script.py"
    file.write_text(code)
    return [sys.executable, str(file)]


def wait_for(condition, seconds=20):
    """Polls until ``condition()`` holds, and returns what it gave."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


def is_gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def ended(hook, name):
    state = hook.state(name)
    return state if state and not state.alive else None


def test_what_a_former_life_of_the_process_said_does_not_make_it_ready(hook):
    hook.start_process("stays", python("import time; time.sleep(600)"), restarts=True)
    file = hook._ready_file("stays")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    assert hook.is_ready("stays")
    os.utime(file, (0, 0))
    assert not hook.is_ready("stays")


def test_a_process_that_a_signal_halts_is_alive_and_suspended(hook):
    hook.start_process("stays", python("import time; time.sleep(600)"), restarts=True)
    wait_for(lambda: hook.state("stays").pid)
    os.kill(hook.state("stays").pid, signal.SIGSTOP)
    wait_for(lambda: hook.state("stays").suspended)
    assert hook.state("stays").alive
    os.kill(hook.state("stays").pid, signal.SIGCONT)
    wait_for(lambda: not hook.state("stays").suspended)


def test_a_process_that_is_stopped_as_soon_as_it_was_started_is_not_killed(hook, supervised):
    for number in range(8):
        hook.start_process(f"young-{number}", python("import time; time.sleep(600)"))
        hook.stop(f"young-{number}")
    log = Supervisor(supervised).call("readLog", -100_000, 0)
    assert log.count("(terminated by SIGTERM)") >= 8 and "SIGKILL" not in "".join(
        line for line in log.splitlines() if "young-" in line
    )


def test_a_supervisor_that_begins_anew_takes_up_what_shall_stay_and_nothing_else(hook, supervised):
    hook.start_process("stays", python("import time; time.sleep(600)"), restarts=True)
    hook.start_process("once", python("import time; time.sleep(600)"))
    before = wait_for(lambda: hook.state("stays").pid)
    assert Supervisor(supervised).call("restart")
    wait_for(lambda: hook.state("stays").pid not in (0, before))
    assert hook.state("stays").alive
    assert not hook.state("once").alive


def test_of_a_supervisor_elsewhere_no_process_of_this_machine_is_taken_for_one(supervised):
    there = supervised.model_copy(update={"supervisor_address": str(supervised.address("supervisor"))})
    hook = SupervisedProcesses(there)
    hook.start_process("stays", python("import time; time.sleep(600)"), restarts=True)
    pid = wait_for(lambda: hook.state("stays").pid)
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: SupervisedProcesses(supervised).state("stays").suspended)
    assert not hook.state("stays").suspended
    hook.remove("stays")


def test_stop_takes_the_children_along(hook, tmp_path):
    child = tmp_path / "child"
    code = f"""
import pathlib, subprocess, sys
p = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(child)!r}).write_text(str(p.pid))
p.wait()
"""
    hook.start_process("parent", script(tmp_path, code))
    pid = int(wait_for(lambda: child.exists() and child.read_text()))
    hook.remove("parent")
    wait_for(lambda: is_gone(pid))


def test_a_long_running_process_stops_its_children_itself(hook, tmp_path):
    """A scorer asks its JVM to finish; a JVM that got the signal too would be gone by then."""
    ready = tmp_path / "ready"
    code = f"""
import pathlib, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
def stop(*_):
    time.sleep(0.5)
    print("my child lives" if child.poll() is None else "my child is gone", flush=True)
    child.kill()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
pathlib.Path({str(ready)!r}).touch()
time.sleep(600)
"""
    hook.start_process("parent", script(tmp_path, code), restarts=True)
    wait_for(ready.exists)
    assert hook.stop("parent").exit_code == 0
    assert hook.tail_log("parent") == ["my child lives"]
    hook.remove("parent")


def test_removing_is_idempotent_and_leaves_nothing_but_the_log(hook, supervised):
    hook.start_process("gone", python("print('was here')"))
    wait_for(lambda: ended(hook, "gone"))
    hook.remove("gone")
    hook.remove("gone")
    assert hook.state("gone") is None
    assert hook.stop("gone") is None
    assert list((supervised.home / "supervisor" / "run.d").iterdir()) == []
    assert hook.tail_log("gone") == ["was here"]


def test_arguments_and_variables_arrive_as_they_are(hook, monkeypatch):
    monkeypatch.setenv("PATTERNALARM_KAFKA_PORT", "4711")
    monkeypatch.setenv("PATTERNALARM_OWNER_PASSWORD", "hush")
    code = "import os, sys; print(sys.argv[1:], [os.environ.get(n) for n in sys.argv[1].split(',')])"
    names = "PATTERNALARM_KAFKA_PORT,PATTERNALARM_OWNER_PASSWORD,PLACE"
    hook.start_process("exact", [*python(code), names, "two words", "50%", "it's"], env={"PLACE": "a,b 100%"})
    wait_for(lambda: ended(hook, "exact"))
    assert hook.tail_log("exact") == [
        "['PATTERNALARM_KAFKA_PORT,PATTERNALARM_OWNER_PASSWORD,PLACE', 'two words', '50%', \"it's\"] "
        "['4711', None, 'a,b 100%']"
    ]
    hook.remove("exact")


@pytest.mark.parametrize("argument", ["two\nlines", "a ;comment", "a #comment"])
def test_what_a_supervisor_file_cannot_hold_is_refused(hook, argument):
    with pytest.raises(ValueError, match="cannot hold"):
        hook.start_process("refused", [*python("pass"), argument])
    assert hook.state("refused") is None


def test_a_missing_program_is_named(hook):
    with pytest.raises(SupervisorError, match="there is no /nowhere/python"):
        hook.start_process("missing", ["/nowhere/python"])
    hook.remove("missing")


def test_a_supervisor_that_is_down_is_named_with_the_remedy(supervised):
    from kafka_broker import free_port

    port = free_port()
    hook = SupervisedProcesses(supervised.model_copy(update={"supervisor_port": port, "patience_seconds": 0.3}))
    with pytest.raises(SupervisorError, match=rf"127\.0\.0\.1:{port}.*make up"):
        hook.state("any")


def test_a_wrong_password_is_named_with_the_remedy(supervised):
    hook = SupervisedProcesses(supervised.model_copy(update={"supervisor_password": "other"}))
    with pytest.raises(SupervisorError, match=r"refuses the password.*make down"):
        hook.state("any")


class Hiccups:
    """A supervisor that fails as scripted before it answers."""

    def __init__(self, monkeypatch, *errors):
        self.errors, self.asked = list(errors), []
        real = supervisor.xmlrpc.client.ServerProxy.__enter__
        monkeypatch.setattr(supervisor.xmlrpc.client.ServerProxy, "__enter__", lambda proxy: self.enter(real(proxy)))

    def enter(self, proxy):
        self.asked.append(proxy)
        if self.errors:
            raise self.errors.pop(0)
        return proxy


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        http.client.RemoteDisconnected(),
        xmlrpc.client.ProtocolError("supervisor", 503, "busy", {}),
        xmlrpc.client.Fault(6, "SHUTDOWN_STATE"),
    ],
    ids=repr,
)
def test_a_supervisor_that_comes_back_is_waited_for(hook, clock, monkeypatch, error):
    hiccups = Hiccups(monkeypatch, error, error)
    assert hook.state("nobody") is None
    assert len(hiccups.asked) == 3 and len(clock.waits) == 2


def test_a_start_whose_answer_was_lost_is_not_done_twice(hook, clock, monkeypatch):
    hiccups = Hiccups(monkeypatch, ConnectionResetError(), ConnectionRefusedError())
    with pytest.raises(SupervisorError, match="does not answer"):
        Supervisor(hook.settings).call("startProcess", "any", False)
    assert len(hiccups.asked) == 1
    with pytest.raises(xmlrpc.client.Fault, match="BAD_NAME"):
        Supervisor(hook.settings).call("startProcess", "any", False)
    assert len(hiccups.asked) == 3
