"""A trigger's failure becomes the task's, and no wait is without an end."""

import logging
from datetime import timedelta

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.process_exit import ProcessExitTrigger


def test_the_reason_is_the_exception_and_the_log_comes_before_it(monkeypatch):
    lines = []
    operator = AwaitingOperator(task_id="t")
    monkeypatch.setattr(type(operator), "log", Recorder(lines))
    with pytest.raises(AirflowFailException, match="scorer was stopped"):
        operator.fail({}, {"reason": "scorer was stopped", "log": ["one", "two"]})
    assert lines == ["one", "two"]


@pytest.mark.parametrize(("own", "patience"), [(None, 240.0), (7.0, 7.0)])
def test_a_wait_ends_before_the_tasks_time_and_airflow_is_told_of_that_time(own, patience):
    operator = AwaitingOperator(task_id="t", execution_timeout=timedelta(minutes=5))
    with pytest.raises(TaskDeferred) as deferred:
        operator.wait_with(ProcessExitTrigger(name="p", accepted=[0], patience=own))
    assert deferred.value.timeout == timedelta(minutes=5)
    assert deferred.value.trigger.patience == patience


class Recorder(logging.LoggerAdapter):
    """Keeps what is logged as an error."""

    def __init__(self, lines):
        super().__init__(logging.getLogger(__name__), {})
        self.lines = lines

    def error(self, message, *arguments):
        self.lines.append(message % arguments)
