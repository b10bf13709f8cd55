"""The one place that chooses by target."""

import pytest

from patternalarm.hooks import targets
from patternalarm.hooks.flink import FlinkHook
from patternalarm.hooks.supervisor import SupervisorHook
from patternalarm.settings import Settings, Target


def test_local_is_the_supervisor_and_the_session_cluster(monkeypatch):
    monkeypatch.setattr(targets, "get_settings", Settings)
    assert isinstance(targets.processes(), SupervisorHook)
    assert isinstance(targets.flink(), FlinkHook)


@pytest.mark.parametrize("part", [targets.processes, targets.flink])
def test_aws_says_that_it_is_not_there_yet(monkeypatch, part):
    monkeypatch.setattr(targets, "get_settings", lambda: Settings(target=Target.AWS))
    with pytest.raises(NotImplementedError, match=r"comes with the AWS issue: unset PATTERNALARM_TARGET"):
        part()
