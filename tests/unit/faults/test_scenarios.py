import pytest
from faults.scenarios import all as listed
from faults.scenarios.random_schedule import draw
from faults.scenarios.steps import PARTS


@pytest.fixture
def chosen(monkeypatch):
    """Ids of what is played for this environment."""

    def choose(**environment):
        for name in (listed.FULL, listed.SCHEDULES, listed.SEED, listed.ONLY):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return [scenario.id for scenario in listed.chosen()]

    return choose


def test_every_part_is_killed_and_stopped_and_every_other_fault_is_there(chosen):
    ids = chosen(FAULTS="all")
    assert len(set(ids)) == len(ids)
    assert {f"{done}-{part}" for done in ("kill", "stop") for part in PARTS} < set(ids)
    others = {"kill-generator", "kill-during-checkpoint", "kill-in-flink-drain", "kill-in-scorer-stop"}
    assert others | {"down-and-up", "full-disk-kafka", "four-faults"} < set(ids)


def test_some_can_be_chosen_and_a_name_that_none_has_is_told(chosen):
    assert chosen(FAULTS="all", FAULTS_ONLY="stop-kafka,kill-kafka") == ["kill-kafka", "stop-kafka"]
    with pytest.raises(ValueError, match="no scenario kill-kafak: use some of down-and-up"):
        chosen(FAULTS="all", FAULTS_ONLY="kill-kafak")


def test_a_schedule_is_repeated_by_its_own_seed(chosen):
    assert chosen(FAULTS="all", FAULTS_SCHEDULES="3", FAULTS_SEED="40") == ["schedule-40", "schedule-41", "schedule-42"]
    assert chosen(FAULTS="all", FAULTS_SCHEDULES="1", FAULTS_SEED="42") == ["schedule-42"]
    assert draw(42) == draw(42) != draw(43)


def test_schedules_reach_every_part_in_both_ways_within_the_load_test():
    steps = [step for seed in range(300) for step in draw(seed)]
    assert {(step.part, step.stopped_seconds > 0) for step in steps} == {
        (part, way) for part in PARTS for way in (True, False)
    }
    assert all(5 <= step.second <= 65 for step in steps)


def test_the_short_form_is_one_load_test_that_does_not_change(chosen):
    assert chosen() == chosen() == ["four-faults-and-schedules-7-and-8"]
