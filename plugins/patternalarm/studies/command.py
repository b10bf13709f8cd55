"""How the command of a study ends."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import KafkaException

from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.pack_folder import PackError
from patternalarm.engines.errors import EngineError
from patternalarm.generator.publishing.producer import DeliveryError
from patternalarm.models.metadata import ModelError
from patternalarm.models.registry import ModelRegistryError
from patternalarm.settings import SettingsError
from patternalarm.studies.errors import StudyError, StudyInputError


def run_study(study: Callable[[], Path]) -> int:
    """Make a study, which returns where it wrote itself up; the exit code.

    0 measured and written, 1 begun and not finished, 2 it cannot be made as asked, each of these with one sentence.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    # Each of its calls would be a line among the figures.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        written = study()
    except (StudyInputError, SettingsError, PackError, ModelError, ModelRegistryError) as error:
        sys.stderr.write(f"error: {error}\n")
        return ExitCode.BAD_INPUT
    except (StudyError, EngineError, KafkaException, DeliveryError) as error:
        sys.stderr.write(f"error: the study was not finished: {error}\n")
        return ExitCode.FAILED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    sys.stdout.write(f"written: {written}\n")
    return 0
