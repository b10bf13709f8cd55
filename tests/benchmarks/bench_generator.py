"""What generating costs, without Kafka: CPU time, so that a busy machine changes little."""

import time
from collections.abc import Callable

import pytest

from patternalarm.contracts.domain_pack import generated_domains
from patternalarm.generator.cohort import HISTORY_EVENTS, Cohort
from patternalarm.generator.publication import PACED_EVENTS, UNPACED_EVENTS, chunks_of

START_MS = 1_795_498_266_000
EVENTS = 100_000


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of ``work``."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


@pytest.mark.parametrize("domain", generated_domains())
def test_events_made_and_rendered(domain: str) -> None:
    cohort = Cohort(domain, 7, 0, EVENTS // 8)
    pieces = []
    making = cpu_seconds(lambda: pieces.extend(cohort.measured(START_MS, 120.0, EVENTS)))
    history = cpu_seconds(lambda: pieces.extend(cohort.history(START_MS, HISTORY_EVENTS)))
    (watched, *earlier) = pieces
    print(
        f"\n{domain}: making {EVENTS / making:,.0f} events/s, history {sum(map(len, earlier)) / history:,.0f} events/s"
    )
    for size in (PACED_EVENTS, UNPACED_EVENTS):
        rendering = cpu_seconds(
            lambda size=size: list(
                chunks_of(domain, cohort.model.columns, watched.events, watched.event_ids, watched.send_ms, size)
            )
        )
        both = making + rendering
        print(
            f"{domain}: rendered {size} at a time {EVENTS / rendering:,.0f} events/s, with making {EVENTS / both:,.0f}"
        )
    assert len(watched) == EVENTS
