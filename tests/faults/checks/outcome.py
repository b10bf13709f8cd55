"""The run comes to the end that is promised, and whoever follows it is told so."""

from collections.abc import Iterator

from faults.evidence import Expected, FaultedRun


def comes_to_its_end(run: FaultedRun) -> Iterator[str]:
    """Graded and passed, for neither delays nor rate decide an interrupted run; or closed at once, with the reason."""
    if run.airflow_state not in ("success", "failed"):
        yield f"its DAG run is still {run.airflow_state}"
    if run.expected is not Expected.CLOSED and run.state == "passed":
        return
    if run.expected is Expected.GRADED or run.state != "failed":
        yield f"it is {run.state}: {run.reason}"
        return
    told = f"{run.reason} {run.output}".lower()
    for fault in run.faults:
        if not any(word in told for word in fault.named or (fault.part,)):
            yield f"nobody says what happened to {fault.part}: {run.reason}"
    if run.expected is Expected.CLOSED and run.ended and run.ended >= run.due_until:
        yield f"it went on for {(run.ended - run.faults[0].at).total_seconds():.0f} s"


def is_followed(run: FaultedRun) -> Iterator[str]:
    """The command line that follows a run ends after it, with its verdict as the exit code."""
    exit_code = 0 if run.state == "passed" else 1
    if run.exit_code is None:
        yield "the command line never ended"
    elif run.exit_code != exit_code:
        yield f"its exit code is {run.exit_code} after a run that {run.state}"
    if "Traceback" in run.output:
        yield "the command line shows a traceback"
