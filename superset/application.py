"""One Superset application in this process, without a server."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from patternalarm.contracts.tables import SUPERSET_ROLE
from patternalarm.remedies import START_PLATFORM
from patternalarm.retrying import retrying
from patternalarm.settings import get_settings

if TYPE_CHECKING:
    from flask import Flask

_HERE = Path(__file__).resolve().parent


def _knock() -> None:
    """Ask PostgreSQL before Superset does, which would answer with pages of tracebacks."""
    import psycopg2

    settings = get_settings()
    try:
        retrying("connect to Superset's database")(
            psycopg2.connect,
            settings.dsn(SUPERSET_ROLE, settings.superset_db_password, settings.superset_database),
            connect_timeout=5,
        ).close()
    except psycopg2.OperationalError as error:
        raise RuntimeError(
            f"Superset's database does not let us in: {str(error).strip().splitlines()[0]}; {START_PLATFORM}"
        ) from error


@contextmanager
def superset_application() -> Iterator["Flask"]:
    """The application within its context, configured by ``superset_config.py`` beside this file.

    Raises:
        RuntimeError: there is no secret key, or PostgreSQL does not let Superset in.
    """
    os.environ.setdefault("SUPERSET_CONFIG_PATH", str(_HERE / "superset_config.py"))
    os.environ.setdefault("SUPERSET_HOME", str(get_settings().home / "superset"))
    Path(os.environ["SUPERSET_HOME"]).mkdir(parents=True, exist_ok=True)
    _knock()

    from superset.app import create_app

    app = create_app()
    logging.getLogger().setLevel(logging.WARNING)
    with app.app_context():
        yield app
