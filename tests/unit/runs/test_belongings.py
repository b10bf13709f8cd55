"""What a run owns is found by its run_id, and nothing else is."""

import pytest

from patternalarm.engines.errors import FlinkError
from patternalarm.runs import belongings
from patternalarm.runs.belongings import all_belongings


def test_everything_is_found_by_the_run_that_owns_it_and_nothing_of_anybody_else(world, mine, other):
    found = {kind.what: kind.by_run() for kind in all_belongings()}
    assert {what: set(runs) for what, runs in found.items()} == {
        "processes": {mine, other},
        "Flink jobs": {mine, other},
        "topics": {mine, other},
        "folders": {mine, other},
    }
    assert found["topics"][mine] == [f"events.payments.{mine}", f"scores.payments.{mine}"]


def test_removing_takes_what_the_run_owns_and_again_is_no_error(world, mine, other):
    removed = {kind.what: len(kind.remove(mine)) for kind in all_belongings()}
    assert removed == {"processes": 2, "Flink jobs": 1, "topics": 2, "folders": 1}
    assert [kind.remove(mine) for kind in all_belongings()] == [[], [], [], []]
    assert world.programs == ["kafka", "live.scorer", f"{other}.a", f"{other}.scorer"]
    assert set(world.jobs) == {"j0", "j2", "j3"}
    assert world.topics[-2:] == [f"events.payments.{other}", f"thing.payments.{mine}"]
    assert world.folders == sorted([other, "notes"])


def test_a_job_that_cannot_be_cancelled_yet_is_cancelled_again(world, mine):
    world.refused_cancels = 2
    assert belongings.RunFlinkJobs().remove(mine) == [f"detect-payments-{mine}"]
    assert "j1" not in world.jobs
    assert not world.ended_jobs


def test_a_job_that_stays_is_told_with_what_flink_said(world, mine, monkeypatch):
    world.refused_cancels = 10**9
    clock = iter(range(0, 10**6, 20))
    monkeypatch.setattr(belongings.time, "monotonic", lambda: next(clock))
    with pytest.raises(FlinkError, match=f"detect-payments-{mine} still runs 60 s after .*Flink answers 409"):
        belongings.RunFlinkJobs().remove(mine)
