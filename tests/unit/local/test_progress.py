import io
import sys

import pytest
from infra.local.progress import Progress, StepError, run_quietly


def test_a_silent_step_is_named_again_and_a_finished_one_is_not():
    stream = io.StringIO()
    progress = Progress(stream, silence_seconds=0)
    with progress.step("formatting", "formatted"):
        progress.remind()
    progress.remind()
    lines = stream.getvalue().splitlines()
    assert [line.split(" s  ")[1].split(" (")[0] for line in lines] == ["… formatting", "formatted"]


def test_nobody_is_reminded_while_something_is_said():
    stream = io.StringIO()
    progress = Progress(stream, silence_seconds=3600)
    with progress.step("x"):
        progress.remind()
        assert stream.getvalue() == ""


def test_a_failed_command_shows_the_end_of_its_log(tmp_path):
    log = tmp_path / "logs" / "step.log"
    with pytest.raises(StepError, match=r"(?s)the step failed with exit code 3.*step.log.*the cause"):
        run_quietly("the step", [sys.executable, "-c", "print('the cause'); raise SystemExit(3)"], log)
