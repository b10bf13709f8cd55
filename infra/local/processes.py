"""The platform's processes as Linux shows them under /proc: whose they are, their memory, and who holds a port."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.local.configuration import SUPERVISED_MARK

PROC = Path("/proc")
LISTENING = "0A"


@dataclass(frozen=True)
class Process:
    """A process by id, and its command line."""

    pid: int
    command: str

    @property
    def short(self) -> str:
        """The program and what tells it from its siblings, in one short line."""
        return self.command if len(self.command) <= 100 else self.command[:60] + " … " + self.command[-37:]


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def command_of(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _is_alive(pid: int) -> bool:
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def supervised(home: Path) -> list[Process]:
    """Living processes that were started under the supervisor of ``home``, this one and its callers excepted.

    Told by the mark in their environment, which every child inherits, or by a parent that has it, so that nothing that a
    run started escapes.
    """
    mark = f"{SUPERVISED_MARK}={home}".encode()
    callers = set(_ancestors(os.getpid()))
    found: set[int] = set()
    for pid in _pids():
        try:
            environment = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark in environment and pid not in callers:
            found.add(pid)
    family = set(tree(*found)) - callers
    return [Process(pid, command_of(pid)) for pid in sorted(family) if _is_alive(pid)]


def _parent(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError, ValueError):
        return 0


def _ancestors(pid: int) -> Iterable[int]:
    while pid > 0:
        yield pid
        pid = _parent(pid)


def tree(*roots: int) -> list[int]:
    """``roots`` and everything beneath them."""
    children: dict[int, list[int]] = {}
    for pid in _pids():
        children.setdefault(_parent(pid), []).append(pid)
    found, waiting = set(), list(roots)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting.extend(children.get(pid, []))
    return sorted(found)


def memory_bytes(pids: Iterable[int]) -> tuple[int, int]:
    """Proportional and resident set size of ``pids`` together, in bytes.

    The proportional size (PSS) divides shared pages among their users, so that it adds up; where the kernel does not tell
    it, the resident size (RSS) stands in.
    """
    proportional = resident = 0
    for pid in pids:
        try:
            rss = int((PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            continue
        resident += rss
        try:
            rollup = (PROC / str(pid) / "smaps_rollup").read_text()
        except OSError:
            proportional += rss
            continue
        proportional += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return proportional, resident


def cpu_seconds(pids: Iterable[int]) -> float:
    """CPU time that ``pids`` have used so far."""
    ticks = 0
    for pid in pids:
        try:
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on ``port`` of ``host`` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def holder_of(port: int) -> Process | None:
    """The process that listens on ``port``; None when there is none or it is not ours to see."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            lines = (PROC / "net" / table).read_text().splitlines()[1:]
        except OSError:
            continue
        for fields in (line.split() for line in lines):
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                inodes.add(f"socket:[{fields[9]}]")
    for pid in _pids() if inodes else ():
        if inodes.intersection(_open_files(pid)):
            return Process(pid, command_of(pid))
    return None


def _open_files(pid: int) -> Iterable[str]:
    try:
        entries = list((PROC / str(pid) / "fd").iterdir())
    except OSError:
        return
    for entry in entries:
        # One that was closed meanwhile is no reason to forget the others.
        with contextlib.suppress(OSError):
            yield str(entry.readlink())


def end(processes: Iterable[Process], grace_seconds: float) -> list[Process]:
    """Ask processes to stop, and kill after ``grace_seconds`` those that did not; returns those that had to be killed."""
    alive = list(processes)
    for process in alive:
        _signal(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_seconds
    while alive and time.monotonic() < deadline:
        time.sleep(0.2)
        alive = [process for process in alive if _is_alive(process.pid)]
    for process in alive:
        _signal(process.pid, signal.SIGKILL)
    return alive


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
