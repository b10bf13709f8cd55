"""What every DAG has in common."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.did_you_mean import did_you_mean


def refuse_unknown_parameters(context: Context) -> None:
    """Fail the task, and by that the run, when the run was given a parameter that its DAG does not have.

    Airflow itself takes any name, so that a misspelt one would leave the default in force without a word.

    Raises:
        AirflowFailException: there is such a parameter; the message names each, and what was meant.
    """
    known = context["dag"].params
    unknown = [name for name in context["dag_run"].conf or {} if name not in known]
    if unknown:
        raise AirflowFailException("; ".join(did_you_mean("parameter", name, known) for name in unknown))


DAG_DEFAULT_ARGS: Final[dict[str, Any]] = {
    "owner": "patternalarm",
    # A run that was half done is not done again by itself: its events are in the topics already.
    "retries": 0,
    # Before any task, so that whichever comes first stops the run, at the price of no task more.
    "pre_execute": refuse_unknown_parameters,
}

START_DATE: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Tag(StrEnum):
    """Tags of DAGs: what a DAG is about."""

    DETECTION = "detection"
    MODELS = "models"
    MARTS = "marts"
    DASHBOARDS = "dashboards"
