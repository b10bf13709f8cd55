"""The one place that chooses by target."""

import pytest

from patternalarm.engines import target
from patternalarm.engines.local.capacity import FixedCapacity
from patternalarm.engines.local.files import LocalFiles
from patternalarm.engines.local.flink import RestFlinkCluster
from patternalarm.engines.local.processes import SupervisedProcesses
from patternalarm.settings import Settings, Target


def test_local_is_the_supervisor_the_session_cluster_and_the_disk(monkeypatch):
    monkeypatch.setattr(target, "get_settings", Settings)
    assert isinstance(target.processes(), SupervisedProcesses)
    assert isinstance(target.flink(), RestFlinkCluster)
    assert isinstance(target.files(), LocalFiles)
    assert isinstance(target.capacity(), FixedCapacity)


@pytest.mark.parametrize("part", [target.processes, target.flink, target.files, target.capacity, target.dbt_program])
def test_aws_says_that_it_is_not_there_yet(monkeypatch, part):
    monkeypatch.setattr(target, "get_settings", lambda: Settings(target=Target.AWS))
    with pytest.raises(NotImplementedError, match=r"comes with the AWS issue: unset PATTERNALARM_TARGET"):
        part()
