"""A trigger's failure becomes the task's."""

import logging

import pytest
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.operators.awaiting import AwaitingOperator


def test_the_reason_is_the_exception_and_the_log_comes_before_it(monkeypatch):
    lines = []
    operator = AwaitingOperator(task_id="t")
    monkeypatch.setattr(type(operator), "log", Recorder(lines))
    with pytest.raises(AirflowFailException, match="scorer was stopped"):
        operator.fail({}, {"reason": "scorer was stopped", "log": ["one", "two"]})
    assert lines == ["one", "two"]


class Recorder(logging.LoggerAdapter):
    """Keeps what is logged as an error."""

    def __init__(self, lines):
        super().__init__(logging.getLogger(__name__), {})
        self.lines = lines

    def error(self, message, *arguments):
        self.lines.append(message % arguments)
