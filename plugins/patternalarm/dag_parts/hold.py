"""Every task of a run renews the run's lease as it begins, and does not begin once the run is closed."""

from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.runs import registry as runs


def hold_run(context: Context) -> None:
    """Renew the lease of the task's run. A task before the run's opening has none; the teardown needs none.

    Raises:
        AirflowFailException: the run is closed, and what the task would go on with is gone.
        PlatformDatabaseError: PostgreSQL cannot be reached.
    """
    task, ti = context["task"], context["ti"]
    opening = _opening_of(task)
    if opening is None or task.is_teardown:
        return
    own = {} if opening.get_closest_mapped_task_group() is None else {"map_indexes": ti.map_index}
    values = ti.xcom_pull(task_ids=opening.task_id, **own)
    if values is None:
        raise AirflowFailException(f"{opening.task_id} opened no run: trigger the DAG again")
    try:
        PlatformDatabaseHook().write(
            f"renew the lease of {values['run_id']}",
            lambda connection: runs.renew_lease(connection, values["run_id"]),
        )
    except runs.RunClosedError as error:
        raise AirflowFailException(str(error)) from error


def _opening_of(task: Any) -> Any:
    before = task.get_flat_relative_ids(upstream=True)
    return next((one for one in task.dag.tasks if one.is_setup and one.task_id in before), None)
