"""The states of a load test in which it may be stopped."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class State:
    """A load test is in it while ``task`` is at work.

    Attributes:
        name: the state.
        task: the task's id.
        map_index: number of the instance of a mapped task, -1 of an unmapped one.
        at_work: Airflow's words for it.
    """

    name: str
    task: str
    map_index: int = -1
    at_work: tuple[str, ...] = ("running", "deferred")


STATES: Final = {
    state.name: state
    for state in (
        State("opening", "open_run"),
        State("history", "publish_history", 0),
        State("starting", "start_scorer"),
        State("measuring", "generate", 0, ("deferred",)),
        State("draining", "drain_flink"),
        State("grading", "account"),
    )
}
