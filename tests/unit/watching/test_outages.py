"""Interruptions, look by look."""

from datetime import UTC, datetime

import pytest

from patternalarm.runs.interruptions import Interruption, What
from patternalarm.watching.outages import Outages


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


@pytest.fixture
def outages():
    """Kafka, well and started at second 50, at second 100."""
    seen = Outages()
    assert seen.see("kafka", 100, None, 50) is None
    return seen


def test_who_is_well_is_not_told(outages):
    assert [outages.see("kafka", second, None, 50) for second in range(101, 200)] == [None] * 99


def test_another_start_is_an_interruption_since_it_was_last_seen_well(outages):
    assert outages.see("kafka", 101, None, 101) == Interruption("kafka", What.RESTARTED, at(100), at(101))
    assert outages.see("kafka", 102, None, 101) is None


def test_a_restart_lasts_until_it_is_well(outages):
    assert outages.see("kafka", 101, What.DOWN, 50) == Interruption("kafka", What.DOWN, at(100))
    assert outages.see("kafka", 103, What.SILENT, 103) == Interruption("kafka", What.RESTARTED, at(100))
    assert outages.see("kafka", 104, What.SILENT, 103) is None
    assert outages.see("kafka", 106, None, 103) == Interruption("kafka", What.RESTARTED, at(100), at(106))


def test_only_a_long_silence_is_told(outages):
    assert [outages.see("kafka", second, What.SILENT, 50) for second in range(101, 108)] == [None] * 7
    assert outages.see("kafka", 108, What.SILENT, 50) == Interruption("kafka", What.SILENT, at(100))
    assert outages.see("kafka", 160, None, 50) == Interruption("kafka", What.SILENT, at(100), at(160))


def test_a_short_silence_leaves_nothing(outages):
    assert outages.see("kafka", 104, What.SILENT, 50) is None
    assert outages.see("kafka", 105, None, 50) is None
    assert outages.see("kafka", 112, What.SILENT, 50) is None


def test_who_was_never_well_has_not_begun():
    seen = Outages()
    assert [seen.see("scorer", second, What.DOWN, 50) for second in range(100, 120)] == [None] * 20
    assert seen.see("scorer", 120, None, 50) is None


def test_what_the_watcher_missed_itself_is_nobody_elses(outages):
    outages.forgive(160)
    assert outages.see("kafka", 161, What.SILENT, 50) is None
    assert outages.see("kafka", 168, What.SILENT, 50) == Interruption("kafka", What.SILENT, at(160))
