"""The routes over a database of this session's own; who calls stands in a header."""

import json
import sys
import uuid
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, get_args

import psycopg
import pytest
from fastapi import FastAPI, Header
from fastapi.testclient import TestClient
from psycopg.rows import dict_row

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from analysts import open_pool
from migrated_database import migrated_database, superuser_dsn

from patternalarm.api import dependencies
from patternalarm.api.access.roles import Principal, Role, includes
from patternalarm.api.problems import ProblemError, install
from patternalarm.api.routes import alerts, allow_lists
from patternalarm.contracts.alerts import SEVERITY_RANK, Severity
from patternalarm.contracts.tables import ALERT, ALERT_EVENT
from patternalarm.settings import Settings


@pytest.fixture(scope="session")
def settings() -> Iterator[Settings]:
    """Settings with a migrated database."""
    with migrated_database("api") as own:
        yield own


@pytest.fixture
def superuser(settings: Settings) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """The superuser in this session's database, every statement a transaction."""
    with psycopg.connect(
        superuser_dsn(), dbname=settings.database, autocommit=True, row_factory=dict_row
    ) as connection:
        yield connection


def _required(role: Role):
    def required(who: Annotated[str, Header()] = "vera viewer") -> Principal:
        name, own = who.split()
        if not includes(Role(own), role):
            raise ProblemError(403, "role not sufficient", remedy="use another key")
        return Principal(name, Role(own), key_id=f"key of {name}")

    return required


@pytest.fixture
def client(settings: Settings) -> Iterator[TestClient]:
    """A caller of the routes; without a header it is the viewer vera."""

    @asynccontextmanager
    async def lifespan(app: FastAPI):
        async with open_pool(settings) as pool:
            app.dependency_overrides[dependencies._database] = lambda: pool
            yield

    app = FastAPI(lifespan=lifespan)
    install(app)
    for router in (alerts.router, allow_lists.router):
        app.include_router(router)
    for wanted, role in ((alerts.Viewer, Role.VIEWER), (alerts.Analyst, Role.ANALYST)):
        app.dependency_overrides[get_args(wanted)[1].dependency] = _required(role)
    with TestClient(app) as caller:
        yield caller


@pytest.fixture
def raise_alert(superuser):
    """Writes an alert as the alert writer would, without its events; gives its id."""

    def write(**changes: Any) -> str:
        severity = Severity(changes.get("severity", "high"))
        row = {
            "alert_id": uuid.uuid4().hex,
            "scope": "live",
            "domain": "payments",
            "subject_type": "actor",
            "subject_id": "acct-00104711",
            "fraud_type": "card_testing",
            "episode": 1,
            "severity": severity,
            "severity_rank": SEVERITY_RANK[severity],
            "score": 0.8,
            "reasons": json.dumps([{"code": "new_device", "text": "the device is new", "contribution": 0.2}]),
            "first_event_time": "2026-11-27T08:00:00Z",
            "last_event_time": "2026-11-27T08:00:00Z",
            "trigger_event_time": "2026-11-27T08:00:00Z",
            "first_source": "score",
            "detected_at": "2026-11-27T08:00:00Z",
            "event_count": 1,
            "amount_at_risk": 10,
            "currency": "EUR",
            "pack_version": "1",
            **changes,
        }
        superuser.execute(
            f"INSERT INTO {ALERT} ({', '.join(row)}, updated_at)"
            f" VALUES ({', '.join(['%s'] * len(row))}, clock_timestamp())",
            tuple(row.values()),
        )
        return row["alert_id"]

    return write


@pytest.fixture
def add_event(superuser):
    """Writes an event of an alert."""

    def write(alert_id: str, fields: dict[str, Any], features: dict[str, Any] | None, **changes: Any) -> None:
        row = {
            "alert_id": alert_id,
            "actor_id": "acct-00104711",
            "event_id": "e1",
            "source": "score",
            "event_time": "2026-11-27T08:00:00Z",
            "amount": 10,
            "fields": json.dumps(fields),
            "features": json.dumps(features),
            **changes,
        }
        superuser.execute(
            f"INSERT INTO {ALERT_EVENT} ({', '.join(row)}, committed_at) VALUES ({', '.join(['%s'] * len(row))}, now())",
            tuple(row.values()),
        )

    return write
