"""What a report says of interruptions."""

from datetime import UTC, datetime, timedelta

from patternalarm.runs.interruptions import Interruption, What, causes, pauses, told_together, touch_detection


def at(seconds):
    return datetime(2026, 11, 26, 5, 30, tzinfo=UTC) + timedelta(seconds=seconds)


KILLED = Interruption("kafka", What.RESTARTED, at(2), at(6.5))
HANGS = Interruption("scorer", What.STOOD_STILL, at(70))
PAUSES = [Interruption(stage, What.PAUSED, at(a), at(b)) for stage, a, b in
          (("features", 2, 9), ("scores", 3, 11), ("alerts", 70, 90), ("scores", 75, 80))]  # fmt: skip


def test_a_pause_is_an_effect_and_names_no_cause():
    assert causes([KILLED, *PAUSES, HANGS]) == [KILLED, HANGS]
    assert causes(PAUSES) == []


def test_parts_beside_the_way_of_an_event_excuse_nothing():
    beside = [Interruption(part, What.RESTARTED, at(2), at(6.5)) for part in ("redis", "online-store")]
    assert causes(beside) == beside
    assert not touch_detection([*beside, *PAUSES])
    assert touch_detection([*beside, HANGS])


def test_pauses_of_several_stages_are_one_pause_of_detection():
    assert pauses([KILLED, *PAUSES, HANGS]) == [(at(2), timedelta(seconds=9)), (at(70), timedelta(seconds=20))]


def test_they_are_told_with_length_and_begin():
    assert told_together([KILLED, HANGS]) == (
        "kafka ended, was started again and was away for 4.5 s from 05:30:02 UTC; "
        "scorer stood still to the end from 05:31:10 UTC"
    )
