"""One line on a scenario that was played."""

from collections.abc import Mapping, Sequence

from faults.checks.detection import SOURCES
from faults.evidence import FaultedRun


def line_of(run: FaultedRun, broken: Mapping[str, Sequence[str]]) -> str:
    """What was hit and when, its pause, when detection resumed, the ledger, the verdict, and what promise was broken."""
    kept = (
        "all promises kept"
        if not broken
        else "BROKEN " + "; ".join(f"{name}: {', '.join(why)}" for name, why in broken.items())
    )
    return f"{run.scenario}: {'; '.join([*_faults(run), *_resumed(run), _ledger(run)])}; {run.state}; {kept}"


def _faults(run: FaultedRun) -> list[str]:
    return [
        f"{fault.what} of {fault.part} at {fault.at:%H:%M:%S}, "
        + (f"back after {fault.pause_seconds:.1f} s" if fault.pause_seconds is not None else "not back")
        for fault in run.faults
    ]


def _resumed(run: FaultedRun) -> list[str]:
    told = []
    for source in SOURCES:
        found = [after for after in (run.resumed_after(outage, source) for outage in run.outages) if after is not None]
        if found:
            told.append(f"{source} {max(found):.1f} s later")
    return [f"detection resumed by {', '.join(told)}"] if told else []


def _ledger(run: FaultedRun) -> str:
    ledger = run.ledger
    if not ledger:
        return "no ledger"
    closed = "closed" if ledger["closed"] else "not closed"
    return f"ledger {closed}: {ledger['scored']:,} scored, {ledger['lost']} lost, {ledger['duplicated']} doubled"
