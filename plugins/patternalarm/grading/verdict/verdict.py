"""Pass the verdict on a run: ``python -m patternalarm.grading.verdict.verdict --run-id R``.

Needs the run's figures (``patternalarm.grading.figures.measure``). Sets the run's state to passed or missed, and names every
missed threshold and by how much, and what interrupted the run. Exit code 0 passed, 1 missed; a run that had failed before
stays failed, exit code 1.
"""

import sys

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.grading.command_line import run_command
from patternalarm.grading.run_store import connect, is_strict, load_metrics
from patternalarm.grading.verdict.judgement import judge
from patternalarm.runs.interruptions import causes, load_interruptions, told_together, touch_detection
from patternalarm.runs.registry import RunState, finish_run, get_run
from patternalarm.settings import get_settings


def verdict(run_id: str) -> int:
    """Judge ``run_id`` and store its state; the command's exit code."""
    with connect(get_settings()) as connection:
        run = get_run(connection, run_id)
        interruptions = causes(load_interruptions(connection, run_id))
        metrics = load_metrics(connection, run_id)
        interrupted = touch_detection(interruptions)
        judgement = judge(metrics, run.kind, run.level, strict=is_strict(run), interrupted=interrupted)
        state = RunState.PASSED if judgement.passed else RunState.MISSED
        finish_run(connection, run_id, state, judgement.reason)
        # The first word on a run stays: one that failed is not passed by figures of what it did until then.
        stored = get_run(connection, run_id)
    if stored.state is RunState.FAILED:
        sys.stderr.write(f"error: run {run_id} failed: {stored.reason}\n")
        return ExitCode.FAILED
    if interruptions:
        graded = "graded without delays and rate" if interrupted else "graded in full, detection was not touched"
        sys.stdout.write(f"run {run_id} is {graded}: {told_together(interruptions)}\n")
    if judgement.passed:
        sys.stdout.write(f"run {run_id} passed all {sum(gate.metric.gated for gate in judgement.gates)} gates\n")
        return 0
    sys.stderr.write(f"run {run_id} missed {len(judgement.misses)} of its thresholds:\n")
    for gate in judgement.misses:
        sys.stderr.write(f"  {gate.miss}\n")
    return ExitCode.FAILED


if __name__ == "__main__":
    sys.exit(run_command(str(__doc__), verdict))
