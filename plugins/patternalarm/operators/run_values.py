"""What ``open_run`` tells the tasks of its run, as templates.

Templates instead of task outputs, so that the graph shows the order of work and not that everything knows its run.
"""

from typing import Final, TypedDict

OPEN_RUN: Final = "open_run"


class RunValues(TypedDict):
    """Return value of ``open_run``."""

    run_id: str
    domain: str
    pack: str
    """Folder of the run's own copy of its domain pack, which no edit reaches."""
    opened_at: str
    """ISO 8601 UTC."""
    score_from_ms: int
    """Events older than this (epoch milliseconds) are history: neither scored nor graded."""
    events_per_minute: int
    seed: int
    model_dir: str
    """Directory of the model that scores the run's events: the promoted one, or the one that the run trains."""
    new_version: str
    """Version of the model that the run trains, if it does: its run_id, so that no two runs share one."""
    train_until: str
    test_from: str
    """Split of a replayed file, ISO 8601 UTC; both empty without one."""
    run_dir: str
    """Scratch files of the run, dropped with it."""
    feature_log: str
    """Parquet archive of the run's features and labels."""


def of_run(key: str, group: str = "") -> str:
    """Template of one of ``RunValues``; ``group`` is the mapped task group that the run belongs to."""
    if group:
        return f"{{{{ ti.xcom_pull('{group}.{OPEN_RUN}', map_indexes=ti.map_index)['{key}'] }}}}"
    return f"{{{{ ti.xcom_pull('{OPEN_RUN}')['{key}'] }}}}"
