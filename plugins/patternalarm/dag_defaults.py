"""What every DAG has in common."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

DAG_DEFAULT_ARGS: Final[dict[str, Any]] = {
    "owner": "patternalarm",
    # A run that was half done is not done again by itself: its events are in the topics already.
    "retries": 0,
}

START_DATE: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Tag(StrEnum):
    """Tags of DAGs: what a DAG is about."""

    DETECTION = "detection"
    MODELS = "models"
    MARTS = "marts"
    DASHBOARDS = "dashboards"
