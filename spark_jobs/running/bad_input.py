"""How jobs end: bad input, and a JVM that dies, in one sentence; never with a stack trace as the only answer."""

import logging
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from pyspark import SparkContext

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.pack_folder import PackError
from patternalarm.models.metadata import ModelError


class EngineAwayError(RuntimeError):
    """An engine did not answer for as long as patience lasts; the message names it and the remedy."""


class BadInputError(ValueError):
    """The job cannot do what was asked of it; the message names the cause and the remedy."""


def run_job(main: Callable[[], int]) -> None:
    """Run a job's ``main`` and leave the process with its exit code; bad input is told in one line, exit code 2.

    So is an engine that is away, and whatever Python meets after its JVM died (a refused connection, mostly) is told as what
    it is: in both cases the job may be started again.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Py4J tells every closed connection at INFO, which would be the last word of every job.
    logging.getLogger("py4j").setLevel(logging.ERROR)
    try:
        code = main()
    except (BadInputError, ModelError, PackError) as refusal:
        sys.stderr.write(f"{Path(sys.argv[0]).name}: {refusal}\n")
        code = ExitCode.BAD_INPUT
    except EngineAwayError as away:
        sys.stderr.write(f"{Path(sys.argv[0]).name}: {away}\n")
        code = ExitCode.START_AGAIN
    except Exception:
        fate = _end_of_jvm()
        if not fate:
            raise
        traceback.print_exc()
        sys.stderr.write(f"{Path(sys.argv[0]).name}: error: its JVM {fate}\n")
        code = ExitCode.START_AGAIN
    sys.exit(code)


def _end_of_jvm() -> str:
    """How the job's JVM ended, in words; empty while it runs, and without one."""
    gateway = SparkContext._gateway
    if gateway is None:
        return ""
    try:
        code = gateway.proc.wait(timeout=1)
    except subprocess.TimeoutExpired:
        return ""
    if code >= 0:
        return f"ended with exit code {code}"
    suspect = ", out of memory?" if -code == signal.SIGKILL else ""
    return f"was killed by {signal.Signals(-code).name}{suspect}"
