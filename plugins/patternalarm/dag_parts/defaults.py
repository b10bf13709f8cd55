"""What every DAG has in common."""

import math
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.contracts.runs import MAX_MINUTES
from patternalarm.dag_parts.hold import hold_run
from patternalarm.did_you_mean import did_you_mean


def refuse_unknown_parameters(context: Context) -> None:
    """Fail the task, and by that the run, when the run was given a parameter that its DAG does not have.

    Airflow itself takes any name, so that a misspelt one would leave the default in force without a word. It also takes
    7.0 for a whole number and NaN for a number, which no command of a run does.

    Raises:
        AirflowFailException: there is such a parameter; the message names each, and what was meant.
    """
    known, given = context["dag"].params, context["dag_run"].conf
    if given is None:
        return
    if not isinstance(given, dict):
        raise AirflowFailException(f'parameters are a JSON object, like {{"name": "value"}}, and not {given!r}')
    wrong = [did_you_mean("parameter", str(name), known) for name in given if name not in known]
    for name, value in given.items():
        if isinstance(value, float) and name in known:
            if not math.isfinite(value):
                wrong.append(f"parameter {name} is {value}, which is no number")
            elif "number" not in known.get_param(name).schema["type"]:
                wrong.append(f"parameter {name} is {value}: write {value:.0f}, a whole number")
    if wrong:
        raise AirflowFailException("; ".join(wrong))


def begin_task(context: Context) -> None:
    """What comes before any task: its run was asked for in names that the DAG has, and is open.

    Raises:
        AirflowFailException: see ``refuse_unknown_parameters`` and ``hold_run``.
        PlatformDatabaseError: PostgreSQL cannot be reached.
    """
    refuse_unknown_parameters(context)
    hold_run(context)


DAG_DEFAULT_ARGS: Final[dict[str, Any]] = {
    "owner": "patternalarm",
    # A run that was half done is not done again by itself: its events are in the topics already.
    "retries": 0,
    # The longest that a run may generate, and an hour; what waits ends its patience before.
    "execution_timeout": timedelta(minutes=MAX_MINUTES + 60),
    # Before any task, so that whichever comes first stops the run, at the price of no task more.
    "pre_execute": begin_task,
}

START_DATE: Final = datetime(2026, 1, 1, tzinfo=UTC)


class Tag(StrEnum):
    """Tags of DAGs: what a DAG is about."""

    DETECTION = "detection"
    MODELS = "models"
    MARTS = "marts"
    DASHBOARDS = "dashboards"
    OPERATION = "operation"
