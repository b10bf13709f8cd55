"""Refusals: bad input ends a job with one sentence and exit code 2, never with a stack trace as the only answer."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from patternalarm.contracts.domain_pack import PackError
from patternalarm.models.metadata import ModelError

BAD_INPUT_EXIT_CODE = 2


class BadInputError(ValueError):
    """The job cannot do what was asked of it; the message names the cause and the remedy."""


def run_job(main: Callable[[], int]) -> None:
    """Run a job's ``main`` and leave the process with its exit code; bad input is told in one line, exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Py4J tells every closed connection at INFO, which would be the last word of every job.
    logging.getLogger("py4j").setLevel(logging.ERROR)
    try:
        code = main()
    except (BadInputError, ModelError, PackError) as refusal:
        sys.stderr.write(f"{Path(sys.argv[0]).name}: {refusal}\n")
        code = BAD_INPUT_EXIT_CODE
    sys.exit(code)
