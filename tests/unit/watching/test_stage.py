"""Pauses of a stage, look by look."""

from datetime import UTC, datetime

import pytest

from patternalarm.runs.interruptions import Interruption, What
from patternalarm.watching.stage import Stage


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def moving(**options):
    """A stage that gave out something at second 101."""
    stage = Stage("scores", **options)
    assert stage.look(100, 10, 10) is None
    assert stage.look(101, 20, 20) is None
    return stage


def test_a_stage_that_keeps_up_or_has_no_work_does_not_pause():
    stage = moving()
    assert [stage.look(second, second, second) for second in range(102, 130)] == [None] * 28
    assert [stage.look(second, 129, 129) for second in range(130, 200)] == [None] * 70
    assert stage.look(200, 130, 130) is None
    assert not stage.still_since(200)


def test_a_pause_lasts_from_the_work_to_the_next_result():
    stage = moving()
    assert [stage.look(second, second, 20) for second in range(102, 140)] == [None] * 38
    assert stage.look(140, 140, 21) == Interruption("scores", What.PAUSED, at(101), at(140))
    assert stage.look(141, 141, 22) is None


def test_short_waits_are_delays():
    stage = moving()
    assert [stage.look(102, 30, 20), stage.look(103, 40, 20), stage.look(103.5, 50, 21)] == [None] * 3


def test_a_stage_with_work_and_without_results_stands_still():
    stage = moving()
    stage.look(102, 30, 20)
    stage.look(110, 40, 20)
    assert not stage.still_since(110)
    stage.look(111, 40, 20)
    assert stage.still_since(111) == 101


def test_before_its_first_result_nothing_is_expected():
    stage = Stage("scores")
    for second in range(100, 140):
        assert stage.look(second, second, 0) is None
        assert not stage.still_since(second)
    assert stage.look(140, 140, 1) is None


def test_one_that_holds_back_its_last_results_may_rest_when_no_more_work_comes():
    stage, strict = moving(holds_back=True), moving()
    for one in (stage, strict):
        one.look(102, 25, 20)
        for second in range(103, 120):
            assert one.look(second, 30, 20) is None
    assert strict.still_since(119) == 101
    assert not stage.still_since(119)
    assert stage.look(120, 40, 30) is None


def test_one_that_holds_back_stands_still_while_work_comes():
    stage = moving(holds_back=True)
    for second in range(102, 112):
        stage.look(second, second, 20)
    assert stage.still_since(111) == 101


def test_what_cannot_be_seen_is_a_pause_until_the_next_result_and_no_standstill():
    stage = moving()
    stage.miss()
    stage.miss()
    assert not stage.still_since(160)
    assert stage.look(160, 30, 25) == Interruption("scores", What.PAUSED, at(101), at(160))


def test_what_cannot_be_seen_and_then_has_no_work_was_no_pause():
    stage = moving()
    stage.miss()
    assert stage.look(160, 20, 20) is None
    assert stage.look(170, 30, 30) is None


@pytest.mark.parametrize("second", [160, 170])
def test_what_the_watcher_missed_itself_is_no_pause(second):
    stage = moving()
    stage.look(102, 30, 20)
    stage.forgive()
    assert stage.look(second, 40, 30) is None


def test_what_is_done_may_be_seen_before_it_was_given():
    stage = moving(counts=True)
    assert stage.look(102, 20, 21) is None
    for second in range(103, 130):
        assert stage.look(second, 21, 21) is None
        assert not stage.still_since(second)
    assert stage.look(130, 22, 22) is None


def test_one_gift_that_may_have_had_its_result_before_is_no_standstill():
    stage = moving()
    stage.look(102, 20, 21)
    for second in range(103, 130):
        stage.look(second, 21, 21)
        assert not stage.still_since(second)
