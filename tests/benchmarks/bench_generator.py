"""What generating costs, without Kafka: CPU time, so that a busy machine changes little."""

import sys
import time
from collections.abc import Callable

import pytest

from patternalarm.contracts.pack_folder import generated_domains
from patternalarm.generator.activity.activity_file import load_activity
from patternalarm.generator.activity.cohort import HISTORY_EVENTS, Cohort
from patternalarm.generator.publishing.publication import PACED_EVENTS, UNPACED_EVENTS, chunks_of

START_MS = 1_795_498_266_000
EVENTS = 100_000


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of ``work``."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def say(line: str) -> None:
    """A figure for whoever asked for the benchmark."""
    sys.stdout.write(f"{line}\n")


@pytest.mark.parametrize("domain", generated_domains())
def test_events_made_and_rendered(domain: str) -> None:
    cohort = Cohort(domain, load_activity(domain), 7, 0, EVENTS // 8)
    pieces = []
    making = cpu_seconds(lambda: pieces.extend(cohort.measured(START_MS, 120.0, EVENTS)))
    history = cpu_seconds(lambda: pieces.extend(cohort.history(START_MS, HISTORY_EVENTS)))
    (watched, *earlier) = pieces
    say(f"\n{domain}: made {EVENTS / making:,.0f}/s, history {sum(map(len, earlier)) / history:,.0f}/s")
    for size in (PACED_EVENTS, UNPACED_EVENTS):
        rendering = cpu_seconds(
            lambda size=size: list(
                chunks_of(domain, cohort.model.columns, watched.events, watched.event_ids, watched.send_ms, size)
            )
        )
        both = EVENTS / (making + rendering)
        say(f"{domain}: rendered {size} at a time {EVENTS / rendering:,.0f}/s, made and rendered {both:,.0f}/s")
    assert len(watched) == EVENTS
