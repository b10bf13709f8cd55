"""Closing tries every step, whatever became of the others, and says what it could not do."""

from types import SimpleNamespace

import pytest

from patternalarm.runs import closing
from patternalarm.runs.closing import ClosingError, RunCloser
from patternalarm.runs.registry import RunState


@pytest.fixture
def registry(world, monkeypatch):
    """What was written, in its order: the lease that was released, the run that ended, beside what was still up then."""
    written = []

    class Database:
        def write(self, what, work):
            world.fail_if("PostgreSQL")
            return work(SimpleNamespace(execute=lambda *_: None))

    monkeypatch.setattr(closing, "PlatformDatabaseHook", Database)
    monkeypatch.setattr(
        closing.runs, "release_lease", lambda _, run_id: written.append(("released", run_id, len(world.programs)))
    )
    monkeypatch.setattr(
        closing.runs,
        "finish_run",
        lambda _, run_id, state, reason: written.append(("ended", run_id, state, reason)),
    )
    return written


def test_the_lease_goes_first_and_the_verdict_comes_last(world, registry, mine):
    RunCloser().close(mine, RunState.FAILED, "failed at start_scorer")
    assert registry == [("released", mine, 6), ("ended", mine, RunState.FAILED, "failed at start_scorer")]
    assert not any(mine in name for name in [*world.programs, *world.jobs.values(), *world.folders])
    assert not any(topic.endswith(mine) for topic in world.topics if topic.startswith(("events", "scores")))


def test_again_is_no_error(world, registry, mine):
    for _ in range(2):
        RunCloser().close(mine, RunState.PASSED, None)


def test_topics_can_be_kept(world, registry, mine):
    RunCloser().close(mine, RunState.PASSED, None, keep_topics=True)
    assert f"events.payments.{mine}" in world.topics
    assert mine not in world.folders


@pytest.mark.parametrize("broken", ["supervisor", "Flink", "Kafka", "PostgreSQL"])
def test_one_engine_that_is_down_keeps_nothing_else_up(world, registry, mine, broken):
    world.broken = {broken}
    with pytest.raises(ClosingError, match=f"run {mine} is not closed: .*{broken} is down"):
        RunCloser().close(mine, RunState.PASSED, None)
    assert any(name.startswith(mine) for name in world.programs) is (broken == "supervisor")
    assert ("j1" in world.jobs) is (broken == "Flink")
    assert (f"events.payments.{mine}" in world.topics) is (broken == "Kafka")
    assert bool(registry) is (broken != "PostgreSQL")
    assert mine not in world.folders


def test_what_is_left_of_a_closed_run_is_removed_without_a_word_to_the_registry(world, registry, mine):
    RunCloser().remove(mine)
    assert registry == []
    assert mine not in world.folders
