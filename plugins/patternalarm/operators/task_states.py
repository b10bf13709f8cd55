"""What became of a run's tasks so far."""

from typing import Any


def task_states(ti: Any) -> dict[str, str]:
    """States of the tasks of the run that a task instance belongs to, by task id.

    In a mapped group, that is the instance of the group, and Airflow puts ``_<map index>`` behind each id, which is taken
    off; of other mapped tasks it stays.
    """
    mapped = ti.map_index is not None and ti.map_index >= 0
    found = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id], map_index=ti.map_index if mapped else None).get(
        ti.run_id, {}
    )
    return {key.removesuffix(f"_{ti.map_index}"): state for key, state in found.items()} if mapped else found
