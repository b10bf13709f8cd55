"""A CPU quota for processes that run: a control group of Linux, of its first or its second version.

Affinity to processors would be no substitute: it gives whole cores only, and on two cores no three points to fit.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from patternalarm.studies.errors import StudyInputError
from patternalarm.studies.machine import family

CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")

# The kernel's own; a shorter one would throttle sooner and switch more often.
_PERIOD_US: Final = 100_000
_PROCESSES: Final = "cgroup.procs"


class _Version(Protocol):
    """How one version of control groups names things."""

    root: Path

    def set_quota(self, group: Path, cores: float) -> None:
        """Let the group have so many cores."""

    def group_of(self, pid: int) -> Path:
        """The group that a process is in."""


class _First:
    def __init__(self, mounted: Path) -> None:
        self.root = mounted / "cpu"

    def set_quota(self, group: Path, cores: float) -> None:
        (group / "cpu.cfs_period_us").write_text(str(_PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(round(cores * _PERIOD_US)))

    def group_of(self, pid: int) -> Path:
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if "cpu" in controllers.split(","):
                return self.root / path.lstrip("/")
        return self.root


class _Second:
    def __init__(self, mounted: Path) -> None:
        self.root = mounted

    def set_quota(self, group: Path, cores: float) -> None:
        (group / "cpu.max").write_text(f"{round(cores * _PERIOD_US)} {_PERIOD_US}")

    def group_of(self, pid: int) -> Path:
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            number, _, path = line.split(":", 2)
            if number == "0":
                return self.root / path.lstrip("/")
        return self.root


class CpuQuota:
    """A control group of our own, into which processes are put and from which they go back where they came from.

    Args:
        name: its name.
        mounted: where control groups are mounted.

    Raises:
        StudyInputError: this machine has none that limit CPU time, or lets us make none; the message tells what to do.
    """

    def __init__(self, name: str, mounted: Path = CONTROL_GROUPS) -> None:
        self._version = _version(mounted)
        self._group = self._version.root / name
        self._came_from: dict[int, Path] = {}
        try:
            self._group.mkdir(exist_ok=True)
            self._version.set_quota(self._group, os.cpu_count() or 1)
        except OSError as error:
            with suppress(OSError):
                self._group.rmdir()
            raise StudyInputError(
                f"no CPU quota can be set ({error}): run the study as root on Linux, outside of a container or in one that "
                "may write its control groups"
            ) from error

    def limit(self, cores: float) -> None:
        """Let the processes have so many cores together."""
        self._version.set_quota(self._group, cores)

    def add(self, pids: Iterable[int]) -> None:
        """Put processes and their descendants under the quota; what they start later is under it by itself."""
        for process in family(pids):
            # One that ended meanwhile needs none.
            with suppress(ProcessLookupError, FileNotFoundError):
                came_from = self._version.group_of(process.pid)
                (self._group / _PROCESSES).write_text(str(process.pid))
                if came_from != self._group:
                    self._came_from[process.pid] = came_from

    def close(self) -> None:
        """Put every process back, those that were started under the quota into the group at the top, and remove ours."""
        self._version.set_quota(self._group, os.cpu_count() or 1)
        for line in (self._group / _PROCESSES).read_text().split():
            group = self._came_from.get(int(line), self._version.root)
            with suppress(ProcessLookupError, FileNotFoundError):
                (group / _PROCESSES).write_text(line)
        # A process that was started meanwhile keeps the group there; it has all cores, and the next study moves it.
        with suppress(OSError):
            self._group.rmdir()


def _version(mounted: Path) -> _Version:
    if (mounted / "cpu" / _PROCESSES).is_file():
        return _First(mounted)
    controllers = mounted / "cgroup.controllers"
    if controllers.is_file() and "cpu" in controllers.read_text().split():
        return _Second(mounted)
    raise StudyInputError(
        f"no control groups that limit CPU time are mounted at {mounted}: run the study on Linux, where they are"
    )
