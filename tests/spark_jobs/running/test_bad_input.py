"""What a job leaves behind for whoever reads its log and its exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.telling_line import telling_line

JOB = """
import os, signal, sys
from running.bad_input import BadInputError, run_job
from running.session import build_session
from patternalarm.settings import get_settings

def main():
    if "refuse" in sys.argv:
        raise BadInputError("no such topic")
    spark = build_session("dies", get_settings(), slots=1, heap="512m")
    try:
        if "jvm" in sys.argv:
            os.kill(spark.sparkContext._gateway.proc.pid, signal.SIGKILL)
            return spark.range(1).count()
        raise ValueError("a defect")
    finally:
        spark.stop()

run_job(main)
"""


@pytest.mark.parametrize(
    ("how", "code", "told"),
    [
        ("refuse", ExitCode.BAD_INPUT, "job.py: no such topic"),
        ("jvm", ExitCode.START_AGAIN, "job.py: error: its JVM was killed by SIGKILL, out of memory?"),
        ("defect", 1, "ValueError: a defect"),
    ],
)
def test_a_job_that_fails_says_why_in_one_line(tmp_path, how, code, told):
    job = tmp_path / "job.py"
    job.write_text(JOB)
    jobs = str(Path(__file__).resolve().parents[3] / "spark_jobs")
    done = subprocess.run(
        [sys.executable, str(job), how],
        env={**os.environ, "PYTHONPATH": jobs},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert telling_line(done.stdout.splitlines()) == told, done.stdout
    assert done.returncode == code
