"""Scopes, run ids and load levels.

Everything belongs to a scope: ``live``, or the run_id of a load test, replay, retraining or backtest.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

LIVE_SCOPE: Final = "live"

# Instead of a domain, where a DAG can do the same for each of them.
ALL_DOMAINS: Final = "all"

# Airflow's own run ids hold ':' and '+', which are illegal in topic names, hence an id of our own beside it.
RUN_ID_PATTERN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")
_DOMAIN_LENGTH: Final = 24


# Parameter of a replay's run: how many rows of its file are to be published, counted before the first of them is.
PLANNED_ROWS: Final = "planned_rows"


class RunKind(StrEnum):
    """What a run is for; also the prefix of its run_id."""

    LOAD_TEST = "load-test"
    REPLAY = "replay"
    RETRAIN = "retrain"


class Level(StrEnum):
    """Load levels of a load test, by name; ``EVENTS_PER_MINUTE`` gives their rates."""

    MINI = "mini"
    NORMAL = "normal"
    PEAK = "peak"
    EXTREME = "extreme"


EVENTS_PER_MINUTE: Final[dict[Level, int]] = {
    Level.MINI: 1_000,
    Level.NORMAL: 10_000,
    Level.PEAK: 50_000,
    Level.EXTREME: 1_000_000,
}

MIN_EVENTS_PER_MINUTE: Final = 100
MAX_EVENTS_PER_MINUTE: Final = 5_000_000
MIN_MINUTES: Final = 0.5
MAX_MINUTES: Final = 120
MAX_SHARDS: Final = 8

# Of the generated history that a model is trained on.
MIN_TRAINING_EVENTS: Final = 20_000
MAX_TRAINING_EVENTS: Final = 20_000_000
MIN_TRAINING_DAYS: Final = 7
MAX_TRAINING_DAYS: Final = 365

# Fraud campaigns that a load test has for each of its events, on average.
CAMPAIGNS_PER_EVENT: Final = 0.0052
MAX_SEED: Final = 2**31 - 1

# Seeds from here on are drawn by retrain_model alone, so no load test can replay what a model was trained on.
TRAINING_SEEDS_FROM: Final = 1_000_000_000


def check_run_id(run_id: str) -> str:
    """Return ``run_id`` unchanged.

    Raises:
        ValueError: it is not 1 to 60 characters of ``[a-z0-9-]``, or starts or ends with a dash.
    """
    if not RUN_ID_PATTERN.fullmatch(run_id):
        raise ValueError(f"run_id {run_id!r}: use 1 to 60 of a-z, 0-9 and '-', neither first nor last a dash")
    return run_id


def new_run_id(kind: RunKind, domain: str, at: datetime) -> str:
    """``<kind>-<domain>-<UTC time to the millisecond>``: sortable and unique within one scheduler.

    What an id cannot hold of the domain's name, is left out or written as a dash.
    """
    utc = at.astimezone(UTC)
    stamp = utc.strftime("%Y%m%d-%H%M%S") + f"{utc.microsecond // 1000:03d}"
    short = domain[:_DOMAIN_LENGTH].replace("_", "-").strip("-")
    return check_run_id(f"{kind}-{short}-{stamp}")
