"""How a load test is shared out."""

from datetime import UTC, datetime, timedelta

import pytest

from patternalarm.operators import plan_shards
from patternalarm.operators.plan_shards import Phase, PlanShardsOperator

OPENED_AT = "2026-11-24T05:30:00.123+00:00"


@pytest.fixture
def windows(monkeypatch):
    """The measured windows that were recorded."""
    recorded = []

    class Hook:
        def write(self, what, work):
            return work("connection")

    monkeypatch.setattr(plan_shards, "PlatformDatabaseHook", Hook)
    monkeypatch.setattr(plan_shards.runs, "set_measured_window", lambda *arguments: recorded.append(arguments))
    return recorded


def plan(phase, minutes="2", shards="3"):
    operator = PlanShardsOperator(
        task_id="t", phase=phase, run_id="run-1", opened_at=OPENED_AT, minutes=minutes, shards=shards
    )
    return operator.execute({})


def test_history_ends_when_the_run_was_opened_and_is_not_measured(windows):
    shards = plan(Phase.HISTORY)
    assert [shard["shard"] for shard in shards] == ["0", "1", "2"]
    assert {(s["phase"], s["shards"], s["start_at"], s["seconds"]) for s in shards} == {
        ("history", "3", OPENED_AT, "120")
    }
    assert windows == []


def test_measured_events_begin_soon_at_a_whole_second_in_all_shards(windows):
    before = datetime.now(UTC)
    shards = plan(Phase.MEASURED, minutes="0.5")
    starts = {datetime.fromisoformat(shard["start_at"]) for shard in shards}
    assert len(starts) == 1
    start = starts.pop()
    assert start.microsecond == 0
    assert before + timedelta(seconds=5) < start < before + timedelta(seconds=30)
    assert windows == [("connection", "run-1", datetime.fromisoformat(OPENED_AT), start + timedelta(seconds=30))]
    assert {shard["seconds"] for shard in shards} == {"30"}
