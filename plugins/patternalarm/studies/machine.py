"""The machine that a study was made on, and what processes of it cost."""

import os
import platform
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil
from pydantic import BaseModel

_CPU_MODEL: Final = "model name"


class Machine(BaseModel):
    """What stands beside every figure.

    Attributes:
        cores: CPU cores that programs see.
        cpu: the processor's own name.
        memory_gib: main memory.
        load: processes that wanted a core in the minute before the study began: well under ``cores`` on a quiet machine.
    """

    cores: int
    cpu: str
    memory_gib: float
    load: float

    def describe(self) -> str:
        """In words."""
        return f"{self.cores} cores ({self.cpu}), {self.memory_gib:.0f} GiB, load {self.load:.1f} in the minute before it began"

    @property
    def busy(self) -> bool:
        """Whether somebody else was at work, so that the figures tell of him, too."""
        return self.load > self.cores / 2


def this_machine() -> Machine:
    """The machine as it is now."""
    return Machine(
        cores=os.cpu_count() or 1,
        cpu=_cpu_name(),
        memory_gib=psutil.virtual_memory().total / 2**30,
        load=psutil.getloadavg()[0],
    )


def _cpu_name() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(_CPU_MODEL):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def family(pids: Iterable[int]) -> list[psutil.Process]:
    """The processes of ``pids`` with all their descendants, each once; those that have ended are left out."""
    found: dict[int, psutil.Process] = {}
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            for one in (process, *process.children(recursive=True)):
                found[one.pid] = one
    return list(found.values())


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time so far of ``pids`` and their descendants that live."""
    total = 0.0
    for process in family(pids):
        with suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def memory_bytes(pids: Iterable[int]) -> int:
    """Resident memory of ``pids`` and their descendants."""
    total = 0
    for process in family(pids):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total
