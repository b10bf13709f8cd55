"""What no live run owns is closed; what a live one owns is not touched, whatever else is wrong."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowException

from patternalarm.operators import close_abandoned_runs
from patternalarm.operators.close_abandoned_runs import CloseAbandonedRunsOperator
from patternalarm.runs.belongings import RunTopics
from patternalarm.runs.closing import ClosingError
from patternalarm.runs.registry import OpenRun, RunState


class World:
    """Runs as the registry has them, what the engines show of runs, and what was done about it in its order."""

    def __init__(self):
        self.open = {}
        self.going_on = {"goes-on"}
        self.seen = {"processes": {}, "topics": {}}
        self.kept = set()
        self.done = []
        self.broken = set()
        self.renewed_meanwhile = set()

    def opened(self, run_id, airflow_run_id="goes-on", *, live=True, closing=False, keep_topics=False):
        self.open[run_id] = OpenRun(run_id, "iot", "run_load_test", airflow_run_id, keep_topics, live, closing)


@pytest.fixture
def world(monkeypatch):
    state = World()

    class Kind:
        def __init__(self, what):
            self.what = what

        def by_run(self):
            state.done.append(f"looked for {self.what}")
            if self.what in state.broken:
                raise RuntimeError(f"no {self.what} to be seen")
            return {run_id: list(names) for run_id, names in state.seen[self.what].items()}

    class Database:
        def write(self, what, work):
            return work(None)

    class Closer:
        def __init__(self, log):
            """Log as you like."""

        def close(self, run_id, verdict, reason, *, keep_topics):
            state.done.append(("closed", run_id, verdict, reason, keep_topics))
            if run_id in state.broken:
                raise ClosingError(f"run {run_id} is not closed")

        def remove(self, run_id, *, keep_topics):
            state.done.append(("removed", run_id, keep_topics))

    class Processes:
        def names(self, prefix):
            assert prefix == "check-file."
            return ["check-file.old", "check-file.new"]

        def state(self, name):
            return SimpleNamespace(started_at=1_000 if name.endswith("old") else 1_800)

        def remove(self, name):
            state.done.append(("stopped", name))

    def open_runs(_):
        state.done.append("read the registry")
        return list(state.open.values())

    monkeypatch.setattr(close_abandoned_runs, "all_belongings", lambda: [Kind("processes"), Kind(RunTopics.what)])
    monkeypatch.setattr(close_abandoned_runs, "PlatformDatabaseHook", Database)
    monkeypatch.setattr(close_abandoned_runs, "RunCloser", Closer)
    monkeypatch.setattr(close_abandoned_runs.target, "processes", Processes)
    monkeypatch.setattr(close_abandoned_runs.time, "time", lambda: 2_000)
    monkeypatch.setattr(close_abandoned_runs.runs, "open_runs", open_runs)
    monkeypatch.setattr(close_abandoned_runs.runs, "with_kept_topics", lambda _, run_ids: state.kept & set(run_ids))
    monkeypatch.setattr(
        close_abandoned_runs.runs, "release_lease_unless_live", lambda _, run_id: run_id not in state.renewed_meanwhile
    )
    return state


def enforce(world):
    """Run the operator; what was closed and removed."""

    def get_dr_count(dag_id, run_ids, states):
        assert (dag_id, states) == ("run_load_test", ["queued", "running"])
        return len(world.going_on.intersection(run_ids))

    CloseAbandonedRunsOperator(task_id="t").execute({"ti": SimpleNamespace(get_dr_count=get_dr_count)})
    return [step for step in world.done if step[0] in ("closed", "removed")]


def test_a_live_run_is_left_alone_with_all_it_owns(world):
    world.opened("run-1")
    world.seen["processes"]["run-1"] = world.seen["topics"]["run-1"] = ["a"]
    assert enforce(world) == []


def test_the_engines_are_looked_at_before_the_registry(world):
    # A run that is opened in between would else show what it owns and not its lease.
    enforce(world)
    looks = [step for step in world.done if isinstance(step, str)]
    assert looks == ["looked for processes", "looked for topics", "read the registry"]


@pytest.mark.parametrize("live", [True, False])
def test_a_run_whose_dag_run_ended_or_is_gone_is_closed_whatever_its_lease(world, live):
    world.opened("run-1", "gone", live=live)
    why = "run gone of run_load_test ended without closing it"
    assert enforce(world) == [("closed", "run-1", RunState.FAILED, why, False)]


def test_a_run_whose_lease_has_expired_is_closed_though_its_dag_run_goes_on(world):
    world.opened("run-1", live=False, keep_topics=True)
    why = "no task of it began or waited for 15 min"
    assert enforce(world) == [("closed", "run-1", RunState.FAILED, why, True)]


def test_a_lease_that_was_renewed_since_it_was_read_is_not_taken(world):
    world.opened("run-1", live=False)
    world.renewed_meanwhile = {"run-1"}
    assert enforce(world) == []


def test_a_run_that_its_own_teardown_is_closing_is_left_to_it(world):
    world.opened("run-1", live=False, closing=True)
    world.opened("run-2", "gone", live=False, closing=True)
    world.opened("run-3", live=False)
    assert [step[1] for step in enforce(world)] == ["run-2", "run-3"]


def test_what_is_left_of_closed_and_unknown_runs_is_removed(world):
    world.seen["processes"] = {"run-1": ["a"], "run-2": ["b"]}
    world.seen["topics"] = {"run-2": ["t"], "run-3": ["t"]}
    world.kept = {"run-2", "run-3"}
    assert enforce(world) == [("removed", "run-1", False), ("removed", "run-2", True)]


def test_an_engine_that_is_down_and_a_run_that_cannot_be_closed_keep_no_other_up(world):
    world.broken = {"processes", "run-1"}
    world.opened("run-1", "gone")
    world.opened("run-2", "gone")
    with pytest.raises(AirflowException, match=r"cannot look for processes: no processes .*; cannot close run-1: run"):
        enforce(world)
    assert ("closed", "run-2") in [step[:2] for step in world.done]


def test_without_the_registry_nothing_is_touched(world, monkeypatch):
    def away(_):
        raise RuntimeError("PostgreSQL is down")

    monkeypatch.setattr(close_abandoned_runs.runs, "open_runs", away)
    world.seen["processes"]["run-1"] = ["a"]
    with pytest.raises(RuntimeError, match="PostgreSQL is down"):
        enforce(world)
    assert not [step for step in world.done if step[0] in ("closed", "removed")]


def test_a_check_of_a_file_that_nobody_waits_for_any_more_is_removed(world):
    enforce(world)
    assert [step for step in world.done if step[0] == "stopped"] == [("stopped", "check-file.old")]
