"""Nothing is lost, nothing is doubled, and the ledger says so; what can be counted without it is counted again."""

from collections.abc import Iterator

from faults.evidence import FaultedRun


def is_closed(run: FaultedRun) -> Iterator[str]:
    """The ledger closes, over every event that was asked for."""
    ledger = run.ledger
    if not ledger:
        yield "it has no ledger"
        return
    if not ledger["closed"]:
        yield f"its ledger does not close: {ledger['problems']}"
    if not ledger["generated"] == ledger["acknowledged"] == ledger["offset_span"]:
        counts = ", ".join(f"{name} {ledger[name]}" for name in ("generated", "acknowledged", "offset_span"))
        yield f"its topic is not what was generated: {counts}"
    if ledger["to_score"] != run.events:
        yield f"{ledger['to_score']} events were to be scored, {run.events} were asked for"


def nothing_is_lost(run: FaultedRun) -> Iterator[str]:
    """Every event is scored."""
    if run.ledger.get("lost", -1):
        yield f"lost: {run.ledger.get('lost', 'nobody knows')}"
    scored = run.score_log[1] if run.score_log else 0
    if scored != run.events:
        yield f"the score log holds {scored} of {run.events} events"


def nothing_is_doubled(run: FaultedRun) -> Iterator[str]:
    """No event counts twice, and none is changed on its way."""
    for count in ("duplicated", "altered", "overlapping"):
        if run.ledger.get(count, -1):
            yield f"{count}: {run.ledger.get(count, 'nobody knows')}"
    if run.score_log and run.score_log[0] != run.score_log[1]:
        yield f"the score log has {run.score_log[0]} rows of {run.score_log[1]} events"
