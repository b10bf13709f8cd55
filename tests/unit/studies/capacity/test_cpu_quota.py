import os

import pytest

from patternalarm.studies.capacity.cpu_quota import CpuQuota
from patternalarm.studies.errors import StudyInputError


@pytest.fixture
def first_version(tmp_path):
    """A mounted control group of the first version, as far as files show it."""
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cgroup.procs").write_text("")
    return tmp_path


@pytest.fixture
def second_version(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory\n")
    (tmp_path / "cgroup.procs").write_text("")
    return tmp_path


def test_a_quota_is_cores_by_the_period(first_version):
    CpuQuota("study", first_version).limit(1.5)
    group = first_version / "cpu" / "study"
    assert (group / "cpu.cfs_quota_us").read_text() == "150000"
    assert (group / "cpu.cfs_period_us").read_text() == "100000"


def test_the_second_version_says_it_in_one_line(second_version):
    CpuQuota("study", second_version).limit(0.5)
    assert (second_version / "study" / "cpu.max").read_text() == "50000 100000"


def test_processes_are_put_into_the_group(first_version):
    CpuQuota("study", first_version).add([os.getpid()])
    # A file keeps the last process that is written; the kernel's keeps all.
    assert (first_version / "cpu" / "study" / "cgroup.procs").read_text().isdigit()


def test_who_leaves_takes_the_quota_away_first(first_version):
    quota = CpuQuota("study", first_version)
    quota.add([os.getpid()])
    quota.limit(0.5)

    quota.close()

    # This process came from the group at the top, of whose path the double knows no more than its root.
    assert (first_version / "cpu" / "study" / "cpu.cfs_quota_us").read_text() == str((os.cpu_count() or 1) * 100_000)


def test_a_machine_without_control_groups_is_refused(tmp_path):
    with pytest.raises(StudyInputError, match="run the study on Linux"):
        CpuQuota("study", tmp_path)


def test_without_the_right_to_make_one_the_remedy_is_told(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu\n")
    with pytest.raises(StudyInputError, match="as root on Linux"):
        # A directory that cannot be made, also not by root.
        CpuQuota("missing/study", tmp_path)
