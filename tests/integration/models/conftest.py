"""A migrated database, and the platform's own role in it."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from migrated_database import migrated_database

from patternalarm.contracts.tables import PLATFORM_ROLE
from patternalarm.settings import Settings


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """Settings with migrated databases of this session's own."""
    with migrated_database("models") as own:
        yield own


@pytest.fixture
def platform(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """The platform's role; what a test writes is rolled back."""
    with psycopg.connect(settings.dsn(PLATFORM_ROLE, settings.platform_password)) as connection:
        yield connection
        connection.rollback()
