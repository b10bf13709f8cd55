"""Scopes, run ids and load levels.

Everything belongs to a scope: ``live``, or the run_id of a load test, replay, retraining or backtest.
"""

import hashlib
import math
import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

LIVE_SCOPE: Final = "live"

# Instead of a domain, where a DAG can do the same for each of them.
ALL_DOMAINS: Final = "all"

# Airflow's own run ids hold ':' and '+', which are illegal in topic names, hence an id of our own beside it.
RUN_ID_PATTERN: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?")


# Parameter of a replay's run: how many rows of its file are to be published, counted before the first of them is.
PLANNED_ROWS: Final = "planned_rows"


class RunKind(StrEnum):
    """What a run is for; also the prefix of its run_id."""

    LOAD_TEST = "load-test"
    REPLAY = "replay"
    RETRAIN = "retrain"


_DOMAIN_LENGTH: Final = 24
_DIGEST_LENGTH: Final = 8
_OWN_RUN_ID: Final = re.compile(rf"(?:{'|'.join(RunKind)})-[a-z0-9-]+-\d{{8}}-\d{{6}}-[0-9a-f]{{{_DIGEST_LENGTH}}}")


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


def why_too_small(events_per_minute: int, minutes: float) -> str:
    """Why a load test of this size may hold nothing to find, with the remedy; empty when it holds a fraud."""
    events = round(events_per_minute * minutes)
    if events * CAMPAIGNS_PER_EVENT >= 1:
        return ""
    return (
        f"a load test of {events} events holds less than one fraud campaign, so there may be nothing to find: ask "
        f"for more minutes or a higher rate, {math.ceil(1 / CAMPAIGNS_PER_EVENT)} events or more"
    )


def check_run_id(run_id: str) -> str:
    """Return ``run_id`` unchanged.

    Raises:
        ValueError: it is not 1 to 60 characters of ``[a-z0-9-]``, or starts or ends with a dash.
    """
    if not RUN_ID_PATTERN.fullmatch(run_id):
        raise ValueError(f"run_id {run_id!r}: use 1 to 60 of a-z, 0-9 and '-', neither first nor last a dash")
    return run_id


def run_id_of(
    kind: RunKind,
    domain: str,
    *,
    dag_id: str,
    airflow_run_id: str,
    run_after: datetime,
    map_index: int = -1,
    clear_number: int = 0,
) -> str:
    """``<kind>-<domain>-<UTC second of the DAG run>-<eight hex digits>``: sortable, and one for each attempt.

    An attempt is a DAG run, a map index and how often the DAG run was cleared: asked twice, it has the same id; cleared, it
    is another attempt. Where two DAG runs would share an id (one deleted, the next of the same name), ``run_after`` differs.

    Args:
        kind: what the run is for.
        domain: its domain; what a topic's name cannot hold of it, is written as a dash.
        dag_id: the DAG.
        airflow_run_id: Airflow's own id of the DAG run.
        run_after: since when the DAG run may run.
        map_index: number of the mapped task group's instance that the run belongs to; -1 without one.
        clear_number: how often the DAG run was cleared.
    """
    utc = run_after.astimezone(UTC)
    attempt = "\0".join((dag_id, airflow_run_id, utc.isoformat(), str(map_index), str(clear_number), domain))
    digest = hashlib.sha256(attempt.encode()).hexdigest()[:_DIGEST_LENGTH]
    short = re.sub(r"[^a-z0-9]+", "-", domain[:_DOMAIN_LENGTH]).strip("-")
    return check_run_id(f"{kind}-{short}-{utc:%Y%m%d-%H%M%S}-{digest}")


def is_run_id(text: str) -> bool:
    """Whether ``text`` is an id that ``run_id_of`` may have made: what bears another name is not ours to remove."""
    return bool(_OWN_RUN_ID.fullmatch(text))
