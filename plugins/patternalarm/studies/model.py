"""The model that a study is made with."""

from pathlib import Path

import psycopg

from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.contracts.tables import PLATFORM_ROLE
from patternalarm.models.serving import serving_model
from patternalarm.postgres import connect_once, dsn_of
from patternalarm.remedies import START_PLATFORM
from patternalarm.settings import Settings
from patternalarm.studies.errors import StudyInputError


def model_directory(settings: Settings, pack: DomainPack, given: str) -> Path:
    """The directory of the model that is ``given``, else of the one that serves the pack's domain.

    Raises:
        StudyInputError: PostgreSQL, which knows the promoted one, does not answer.
        ModelRegistryError: none is promoted.
        ModelError: the promoted one is not fit for the pack.
    """
    if given:
        return Path(given).absolute()
    try:
        with connect_once(dsn_of(settings, PLATFORM_ROLE)) as connection:
            return Path(serving_model(connection, pack).path)
    except psycopg.OperationalError as error:
        why = str(error).splitlines()[0]
        raise StudyInputError(
            f"which model is promoted cannot be asked ({why}): {START_PLATFORM}, or name a model's directory"
        ) from error
