"""What the grading commands share: ``--run-id``, logging, and bad input as one message with exit code 2."""

import logging
import sys
from collections.abc import Callable

import psycopg
from confluent_kafka import KafkaException

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.runs import check_run_id
from patternalarm.grading.errors import GradingError
from patternalarm.postgres import unusable
from patternalarm.remedies import START_PLATFORM
from patternalarm.retrying import retrying
from patternalarm.runs.registry import RunError
from patternalarm.settings import get_settings


def run_command(description: str, body: Callable[[str], int], arguments: list[str] | None = None) -> int:
    """Parse ``--run-id``, call ``body`` with it and return its exit code.

    Returns 2, with one message on stderr, when the run id is malformed, the run cannot be graded, or Kafka or
    PostgreSQL cannot be reached. Any other error is a defect and is left to raise.
    """
    parser = ArgumentParser(description=description)
    parser.add_argument(
        "--run-id", required=True, help="run_id of platform.run, for example load-test-payments-20261124"
    )
    run_id = parser.parse_args(arguments).run_id
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = get_settings()
    try:
        check_run_id(run_id)
    except ValueError as error:
        parser.error(str(error))
    try:
        # What a command writes replaces what it wrote before, so that it may be done again as a whole.
        return retrying(f"grade {run_id}")(body, run_id)
    except (GradingError, RunError) as error:
        message = str(error)
    except psycopg.OperationalError as error:
        message = unusable(settings, error)
    except KafkaException as error:
        message = f"Kafka at {settings.kafka_bootstrap} cannot be used ({error.args[0]}): {START_PLATFORM}"
    sys.stderr.write(f"error: {message}\n")
    return ExitCode.BAD_INPUT
