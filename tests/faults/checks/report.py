"""There is a report, and it names what interrupted the run, and for how long."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from faults.evidence import Fault, FaultedRun

from patternalarm.watching.outages import SILENCE_SECONDS
from patternalarm.watching.watcher import FRESH_SECONDS, HEARTBEAT_SECONDS

# The platform notices by polls, and a part that was let go on needs a moment.
_SLACK: Final = timedelta(seconds=15)
# Shorter pauses of detection are delays, which the report shows as such.
_PAUSE: Final = timedelta(seconds=10)

Span = tuple[datetime, datetime]


def _is_noticed(fault: Fault) -> bool:
    """Whether it lasts long enough for a part's silence to be told from a moment's; a process started anew always does."""
    if fault.is_kill:
        return True
    silence = HEARTBEAT_SECONDS if fault.part.startswith("airflow-") else SILENCE_SECONDS + FRESH_SECONDS
    return fault.released - fault.at >= timedelta(seconds=silence + 5)


def is_written(run: FaultedRun) -> Iterator[str]:
    """As JSON and as a page."""
    if run.report is None:
        yield "it has no report.json"
    if "<html" not in run.page:
        yield "it has no report.html"


def names_the_interruptions(run: FaultedRun) -> Iterator[str]:
    """Each fault is an interruption of the report, with its part, its time and its length; so is a pause of detection."""
    report = run.report or {}
    if "interruptions" not in report:
        yield "its report tells of no interruptions at all"
        return
    told = report["interruptions"]
    for part in dict.fromkeys(fault.part for fault in run.faults if _is_noticed(fault)):
        faults = [fault for fault in run.faults if fault.part == part and _is_noticed(fault)]
        spans = [
            _lasting(entry["began_at"], entry["seconds"]) for entry in told if part in ("platform", entry["component"])
        ]
        spans = [
            span for span in spans if any(_touch(span, (fault.at, fault.back or fault.released)) for fault in faults)
        ]
        if not spans:
            yield f"its report does not name {faults[0].what} of {part}"
            continue
        least = _together([(fault.at, fault.released) for fault in faults])
        most = _together([(fault.at, fault.back or fault.released) for fault in faults])
        if not least - _SLACK <= _together(spans) <= most + len(faults) * _SLACK:
            yield f"{part} was away for {most.total_seconds():.0f} s, its report says {_together(spans).total_seconds():.0f} s"
    paused = [_lasting(entry["began_at"], entry["seconds"]) for entry in report["detection_pauses"]]
    for outage in run.outages:
        pause = run.pause_of_detection(outage)
        if pause and pause[1] - pause[0] >= _PAUSE and not any(_touch(span, pause) for span in paused):
            yield f"detection paused for {(pause[1] - pause[0]).total_seconds():.0f} s, and its report does not say so"


def _lasting(began_at: str, seconds: float | None) -> Span:
    began = datetime.fromisoformat(began_at)
    return began, began + timedelta(seconds=seconds or 0)


def _touch(one: Span, other: Span) -> bool:
    return one[0] - _SLACK <= other[1] and other[0] <= one[1] + _SLACK


def _together(spans: Sequence[Span]) -> timedelta:
    """How long at least one of them lasts."""
    total, until = timedelta(), None
    for began, ended in sorted(spans):
        begin = began if until is None else max(began, until)
        total += max(timedelta(), ended - begin)
        until = ended if until is None else max(until, ended)
    return total
