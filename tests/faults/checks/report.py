"""The report names what interrupted the run, and for how long."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from faults.evidence import Fault, FaultedRun

# The platform notices by polls, and a part that was let go on needs a moment.
_SLACK_SECONDS: Final = 15.0


def names_the_interruptions(run: FaultedRun) -> Iterator[str]:
    """Each fault is an interruption of the report, with its part, its time, its length and the pause of detection."""
    if run.report is None:
        yield "it has no report"
        return
    told = run.report.get("interruptions")
    if told is None:
        yield "its report tells of no interruptions at all"
        return
    for fault in run.faults:
        entries = [entry for entry in told if _is_of(entry, fault)]
        if not entries:
            yield f"its report does not name {fault.what} of {fault.part}"
            continue
        told_seconds = sum(float(entry["seconds"]) for entry in entries)
        stopped = (fault.released - fault.at).total_seconds()
        if not stopped - _SLACK_SECONDS <= told_seconds <= (fault.pause_seconds or stopped) + _SLACK_SECONDS:
            yield f"{fault.part} was away for {fault.pause_seconds} s, its report says {told_seconds:.0f} s"
        if any(entry.get("detection_paused_seconds") is None for entry in entries):
            yield f"its report does not say how long detection paused for {fault.part}"


def _is_of(entry: dict[str, Any], fault: Fault) -> bool:
    if fault.part != "platform" and entry["part"] != fault.part:
        return False
    began, ended = datetime.fromisoformat(entry["began_at"]), datetime.fromisoformat(entry["ended_at"])
    return (began - fault.at).total_seconds() < _SLACK_SECONDS + (fault.pause_seconds or 0) and (
        fault.at - ended
    ).total_seconds() < _SLACK_SECONDS
