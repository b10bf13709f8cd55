"""The platform's processes: whose they are, their memory, and who holds a port."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil
from infra.local.configuration import SUPERVISED_MARK


@dataclass(frozen=True)
class Process:
    """A process by id, and its command line."""

    pid: int
    command: str

    @property
    def short(self) -> str:
        """The program and what tells it from its siblings, in one short line."""
        return self.command if len(self.command) <= 100 else self.command[:60] + " … " + self.command[-37:]


def command_of(pid: int) -> str:
    """The command line of a process; empty when it is gone."""
    try:
        return " ".join(psutil.Process(pid).cmdline()).strip()
    except psutil.Error:
        return ""


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.Error:
        return False


def supervised(home: Path) -> list[Process]:
    """Living processes that were started under the supervisor of ``home``, this one and its callers excepted.

    Told by the mark in their environment, which every child inherits, or by a parent that has it, so that nothing that a
    run started escapes.
    """
    callers = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found: set[int] = set()
    for process in psutil.process_iter():
        # One that is gone, or of somebody else, is none of ours.
        with contextlib.suppress(psutil.Error):
            if process.environ().get(SUPERVISED_MARK) == str(home) and process.pid not in callers:
                found.add(process.pid)
    family = set(tree(*found)) - callers
    return [Process(pid, command_of(pid)) for pid in sorted(family) if _is_alive(pid)]


def tree(*roots: int) -> list[int]:
    """``roots`` and everything beneath them, without what is gone."""
    found: set[int] = set()
    for root in roots:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {root, *(child.pid for child in psutil.Process(root).children(recursive=True))}
    return sorted(found)


def memory_bytes(pids: Iterable[int]) -> tuple[int, int]:
    """Proportional and resident set size of ``pids`` together, in bytes.

    The proportional size (PSS) divides shared pages among their users, so that it adds up; where the kernel does not tell
    it, the resident size (RSS) stands in.
    """
    proportional = resident = 0
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            rss = process.memory_info().rss
            try:
                proportional += process.memory_full_info().pss
            except psutil.AccessDenied:
                proportional += rss
            resident += rss
    return proportional, resident


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
    for connection in psutil.net_connections(kind="tcp"):
        address, pid = connection.laddr, connection.pid
        if connection.status == psutil.CONN_LISTEN and address and address.port == port and pid:
            return Process(pid, command_of(pid))
    return None


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
