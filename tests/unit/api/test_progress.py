from datetime import UTC, datetime

import pytest

from patternalarm.api.airflow import DagRun, Step
from patternalarm.api.load_tests.progress import progress_of
from patternalarm.api.stores.runs import KnownRun

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def known(state, reason=None):
    return KnownRun("r-1", "iot", "run_load_test", "api__1", "local", NOW, state, reason, None, None, None)


def dag_run(state, *steps):
    return DagRun(state, tuple(Step(name, step, None, None) for name, step in steps))


@pytest.mark.parametrize(
    ("row", "run", "answers", "state", "reason"),
    [
        (None, dag_run("queued"), True, "queued", None),
        (None, dag_run("running", ("train_missing_model", "deferred")), True, "queued", None),
        ("running", dag_run("running", ("generate [0]", "running")), True, "running", None),
        # The verdict waits for the teardown, which belongs to the run.
        ("passed", dag_run("running", ("close_run", "running")), True, "running", None),
        ("passed", dag_run("success"), True, "passed", "why"),
        ("missed", dag_run("failed", ("grade", "failed")), True, "missed", "why"),
        ("failed", dag_run("failed"), True, "failed", "why"),
        ("passed", dag_run("failed", ("close_run", "failed")), True, "failed", "passed, and then failed in close_run"),
        (None, dag_run("failed", ("open_run", "failed")), True, "failed", "it ended before it was opened, in open_run"),
        (
            None,
            dag_run("failed"),
            True,
            "failed",
            "it ended before it was opened, in no task of its own: it was marked",
        ),
        (None, None, True, "failed", "Airflow does not know the run: it was deleted, or never begun"),
        # Airflow is away: what PostgreSQL knows is told.
        (None, None, False, "queued", None),
        ("running", None, False, "running", None),
        ("failed", None, False, "failed", "why"),
        # Its DAG run was deleted, and the watchdog has yet to close it.
        ("running", None, True, "running", None),
        # A stop marks the DAG run failed while its teardown is at work.
        ("running", dag_run("failed", ("close_run", "running")), True, "running", None),
    ],
)
def test_a_verdict_is_told_once_run_and_teardown_have_ended(row, run, answers, state, reason):
    progress = progress_of(known(row, "why" if row not in (None, "running") else None), run, answers)
    assert progress.state == state
    assert (progress.verdict.reason if progress.verdict else None) == reason
    assert (progress.verdict is None) == (state in ("queued", "running"))


def test_the_steps_at_work_are_named():
    run = dag_run(
        "running", ("open_run", "success"), ("generate [0]", "deferred"), ("watch_jobs", "running"), ("grade", "")
    )
    progress = progress_of(known("running"), run, True)
    assert progress.step == "generate [0], watch_jobs"
    assert [step.name for step in progress.steps or []] == ["open_run", "generate [0]", "watch_jobs"]
