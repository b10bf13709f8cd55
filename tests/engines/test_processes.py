"""The contract of ``Processes``."""

from signal import Signals

import pytest
from waiting import wait_for

from patternalarm.engines.errors import ProcessesError
from patternalarm.engines.job_spec import JobSpec, Program


def job(name, *, restarts=False, tells_ready=False, **options):
    return JobSpec(name, Program.SERVICE, "engines.rehearsal", options, restarts=restarts, tells_ready=tells_ready)


def started(processes, spec):
    """Start it, and return when it has spoken and so is able to obey."""
    processes.start(spec)
    wait_for(lambda: processes.tail_log(spec.name))
    return processes.state(spec.name)


def ended(processes, name):
    state = processes.state(name)
    return state if state and not state.alive else None


@pytest.mark.parametrize("restarts", [True, False])
@pytest.mark.parametrize("code", [0, 3, 10])
def test_a_verdict_ends_a_process_for_good(processes, code, restarts):
    processes.start(job("verdict", say="my last word", exit_code=code, restarts=restarts))
    state = wait_for(lambda: ended(processes, "verdict"))
    assert (state.name, state.state, state.exit_code, state.pid) == ("verdict", "EXITED", code, 0)
    assert state.failed_by_verdict == (code != 0)
    assert processes.tail_log("verdict") == ["my last word"]


def test_a_running_process_is_known_with_its_id(processes):
    state = started(processes, job("runs", say="here", seconds=600))
    assert (state.state, state.exit_code, state.alive, state.was_started) == ("RUNNING", None, True, True)
    assert state.pid > 0


def test_ready_is_what_the_process_says_since_it_was_started(processes):
    slow = job("ready", ready_after=0.5, seconds=600, tells_ready=True)
    started(processes, slow)
    assert not processes.is_ready("ready")
    wait_for(lambda: processes.is_ready("ready"))
    processes.start(job("ready", ready_after=600, tells_ready=True))
    assert not processes.is_ready("ready")
    processes.remove("ready")
    assert not processes.is_ready("ready")


def test_a_killed_process_is_started_again_when_it_shall_be(processes):
    first = started(processes, job("stays", say="here", seconds=600, restarts=True))
    processes.signal("stays", Signals.SIGKILL)

    def again():
        state = processes.state("stays")
        assert state.alive, state
        return state.state == "RUNNING" and state.pid not in (0, first.pid)

    wait_for(again)


def test_a_killed_process_stays_dead_when_it_shall_not(processes):
    started(processes, job("once", say="here", seconds=600))
    processes.signal("once", Signals.SIGKILL)
    state = wait_for(lambda: ended(processes, "once"))
    assert (state.state, state.exit_code) == ("EXITED", -1)
    assert state.describe() == "once was killed by SIGKILL, out of memory?"


def test_an_accident_is_no_verdict(processes):
    """Exit codes past 10 say that something went wrong around the job: it is tried again."""
    processes.start(job("accident", say="ouch", seconds=0.3, exit_code=70, restarts=True))
    wait_for(lambda: processes.tail_log("accident").count("ouch") > 1)
    assert processes.state("accident").alive


def test_stop_is_a_request_that_a_process_may_end_well_on(processes):
    started(processes, job("graceful", say="here", seconds=600, restarts=True))
    state = processes.stop("graceful")
    assert (state.state, state.exit_code, state.alive) == ("STOPPED", 0, False)
    assert processes.tail_log("graceful") == ["here", "stopped as asked"]


def test_a_stop_changes_nothing_about_what_ended_before(processes):
    processes.start(job("early", exit_code=3))
    before = wait_for(lambda: ended(processes, "early"))
    assert processes.stop("early") == before == processes.stop("early")


def test_a_start_replaces_an_earlier_process_of_the_name_and_its_log(processes):
    first = started(processes, job("again", say="first", seconds=600))
    second = started(processes, job("again", say="second", seconds=600))
    assert processes.tail_log("again") == ["second"]
    assert second.pid not in (0, first.pid)
    assert processes.names("again") == ["again"]


def test_the_last_lines_of_a_log_are_told(processes):
    started(processes, job("told", say="one two three", seconds=600))
    assert processes.tail_log("told", lines=1) == ["one two three"]
    processes.stop("told")
    assert processes.tail_log("told", lines=1) == ["stopped as asked"]


def test_what_is_removed_is_unknown_and_leaves_its_log(processes):
    started(processes, job("gone", say="was here", seconds=600))
    processes.remove("gone")
    processes.remove("gone")
    assert processes.state("gone") is None
    assert processes.names("") == []
    assert processes.tail_log("gone")[0] == "was here"


def test_who_was_never_started_is_unknown(processes):
    assert processes.state("nobody") is None
    assert processes.stop("nobody") is None
    assert processes.tail_log("nobody") == []
    assert not processes.is_ready("nobody")
    processes.remove("nobody")
    with pytest.raises(ProcessesError):
        processes.signal("nobody", Signals.SIGTERM)


def test_names_are_found_by_prefix_until_they_are_removed(processes):
    for name in ("run-1.scorer", "run-1.alert-writer", "run-10.scorer"):
        processes.start(job(name))
    wait_for(lambda: ended(processes, "run-1.scorer"))
    assert processes.names("run-1.") == ["run-1.alert-writer", "run-1.scorer"]
    assert processes.names("run-1") == ["run-1.alert-writer", "run-1.scorer", "run-10.scorer"]
    for name in processes.names("run-1."):
        processes.remove(name)
    assert processes.names("") == ["run-10.scorer"]


def test_arguments_arrive_as_they_are(processes):
    processes.start(job("exact", say="two words, 50%, it's"))
    wait_for(lambda: ended(processes, "exact"))
    assert processes.tail_log("exact") == ["two words, 50%, it's"]


@pytest.mark.parametrize("name", ["", "../escape", "a:b", "a b", ".hidden"])
def test_a_name_that_is_none_is_refused(processes, name):
    with pytest.raises(ValueError, match="process name"):
        processes.start(job(name))
    assert processes.names("") == []
