from datetime import UTC, datetime, timedelta

from patternalarm.runs.interruptions import Interruption, What, load_interruptions, record_interruptions

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DOWN = Interruption("kafka", What.DOWN, NOON)
BACK = Interruption("kafka", What.RESTARTED, NOON, NOON + timedelta(seconds=4))
LATER = Interruption("kafka", What.SILENT, NOON + timedelta(seconds=60))


def test_what_is_known_of_an_interruption_grows(platform):
    record_interruptions(platform, "run-1", [LATER, DOWN])
    record_interruptions(platform, "run-2", [DOWN])
    assert load_interruptions(platform, "run-1") == [DOWN, LATER]
    record_interruptions(platform, "run-1", [BACK])
    assert load_interruptions(platform, "run-1") == [BACK, LATER]
    assert load_interruptions(platform, "run-2") == [DOWN]
    assert load_interruptions(platform, "run-3") == []
