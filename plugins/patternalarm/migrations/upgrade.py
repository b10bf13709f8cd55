"""Bring the platform's database to the newest schema: ``python -m patternalarm.migrations.upgrade``."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.tables import OWNER_ROLE
from patternalarm.remedies import START_PLATFORM
from patternalarm.retrying import retrying
from patternalarm.settings import Settings, get_settings

_LOCK_KEY: Final = 0x70617474  # "patt": two upgrades at the same time would both find the database empty

logger = logging.getLogger(__name__)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).resolve().parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(settings: Settings, revision: str = "head") -> str:
    """Upgrade the database of ``settings`` as its owner and return the revision it is at.

    Needs the roles and the database (``patternalarm.migrations.roles``). A failed migration leaves nothing behind.

    Raises:
        sqlalchemy.exc.OperationalError: PostgreSQL, the database or the owner's password is not as ``settings`` say.
    """
    url = settings.dsn(OWNER_ROLE, settings.owner_password, driver="postgresql+psycopg")
    with create_engine(url, poolclass=NullPool).connect() as connection, connection.begin():
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        command.upgrade(_config(connection), revision)
        return str(MigrationContext.configure(connection).get_current_revision())


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit code 2 when the database cannot be reached."""
    parser = ArgumentParser(prog="patternalarm.migrations.upgrade", description=__doc__)
    parser.add_argument("--revision", default="head", help="migration to go to (default: the newest)")
    arguments = parser.parse_args(argv)
    settings = get_settings()
    try:
        revision = retrying("migrate the schema", settings.first_answer_seconds)(upgrade, settings, arguments.revision)
    except OperationalError as error:
        cause = str(error.orig).strip().splitlines()[0]
        sys.stderr.write(
            f"cannot upgrade database {settings.database} at {settings.address('postgres')}: {cause}; "
            f"{START_PLATFORM}, which creates roles and databases first\n"
        )
        return ExitCode.BAD_INPUT
    except CommandError as error:
        sys.stderr.write(f"cannot upgrade database {settings.database} to {arguments.revision}: {error}\n")
        return ExitCode.BAD_INPUT
    sys.stdout.write(f"database {settings.database} is at revision {revision}\n")
    return 0


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    sys.exit(main())
