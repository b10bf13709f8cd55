"""Detection goes on after the part is back, and finds what it would have found."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from faults.evidence import PATTERN, RESUMES_WITHIN_SECONDS, SCORE, FaultedRun

from patternalarm.contracts.alerts import ALL_TYPES

SOURCES: Final = (SCORE, PATTERN)
# So shortly before the last event an outage that ends leaves nothing to see resume: patterns hit some times a minute.
_TOO_LATE: Final = {SCORE: timedelta(seconds=10), PATTERN: timedelta(seconds=30)}
_DECIDING: Final = ("campaign_recall", "alert_precision")


def resumes(run: FaultedRun) -> Iterator[str]:
    """Within seconds of the end of each outage, scores and patterns alert again."""
    for outage in run.outages:
        parts = ", ".join(fault.part for fault in outage.faults)
        if outage.back is None:
            yield f"{parts} never was back"
            continue
        for source in SOURCES:
            after = run.resumed_after(outage, source)
            if after is None and outage.back < run.due_until - _TOO_LATE[source]:
                yield f"no alert by {source} after {parts} was back"
            elif after is not None and after > RESUMES_WITHIN_SECONDS:
                yield f"alerts by {source} resumed {after:.0f} s after {parts} was back"


def finds_the_fraud(run: FaultedRun) -> Iterator[str]:
    """Recall and precision are where they would be: a small run is held to what its interval allows."""
    if not run.alerts:
        yield "it has no alert"
    for name in _DECIDING:
        figure = run.figures.get((name, ALL_TYPES))
        if figure is None or not figure.value:
            yield f"{name} is {figure.value if figure else 'not measured'}"
        elif figure.passed is False or (figure.upper or 0) < (figure.threshold or 0):
            yield f"{name} is {figure.value:.2f}, asked is {figure.threshold}"
