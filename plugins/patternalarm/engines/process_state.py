"""What is known about a job's process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from patternalarm.contracts.exit_codes import VERDICT_EXIT_CODES
from patternalarm.remedies import TAKEN_DOWN
from patternalarm.telling_line import telling_line

_ALIVE: Final = frozenset({"STARTING", "RUNNING", "BACKOFF", "STOPPING"})


@dataclass(frozen=True)
class ProcessState:
    """State of a process.

    Attributes:
        name: its job's name.
        state: in the supervisor's words: STARTING, RUNNING, BACKOFF, STOPPING, STOPPED, EXITED, FATAL or UNKNOWN.
        pid: process id, 0 when there is none.
        exit_code: exit code once it ended, -1 after a signal; None before.
        started_at: epoch seconds of the last start, 0 before the first.
        restarts: whether it is started again after an accident.
        signal: name of the signal that ended it, like SIGKILL; empty when none did, or when it is not known.
        suspended: whether it lives and does nothing because a signal halted it (SIGSTOP), as far as the target can tell.
    """

    name: str
    state: str
    pid: int
    exit_code: int | None
    started_at: int
    restarts: bool
    signal: str = ""
    suspended: bool = False

    @property
    def alive(self) -> bool:
        """Whether it runs, or will without anybody's doing."""
        return self.state in _ALIVE or self.to_be_restarted

    @property
    def was_started(self) -> bool:
        """Whether it ever ran; a program is known for a moment before it is started."""
        return self.started_at > 0

    @property
    def to_be_restarted(self) -> bool:
        """Whether it ended by accident, or its supervisor did, and it is about to be started again."""
        if self.state == "STOPPED":
            return self.restarts and not self.was_started
        return self.state == "EXITED" and self.restarts and self.exit_code not in VERDICT_EXIT_CODES

    @property
    def failed_by_verdict(self) -> bool:
        """Whether it ended with an exit code of its own that says failure."""
        return self.exit_code in VERDICT_EXIT_CODES and self.exit_code != 0

    def describe(self, log: Sequence[str] = ()) -> str:
        """How it ended, or that it runs, in words; with the line of its ``log`` that tells most, if there is one."""
        line = telling_line(log)
        if not line:
            return self._outcome()
        # Who is killed has no time to say why.
        return f"{self._outcome()}; its log ends with: {line}" if self._killed else f"{self._outcome()}: {line}"

    @property
    def _killed(self) -> bool:
        return self.state == "EXITED" and self.exit_code == -1

    def _outcome(self) -> str:
        if self._killed:
            # Nobody but the kernel sends this one to a process that shall live.
            suspect = ", out of memory?" if self.signal == "SIGKILL" else ""
            return f"{self.name} was killed by {self.signal or 'a signal'}{suspect}"
        if self.state == "EXITED":
            return f"{self.name} ended with exit code {self.exit_code}"
        if self.state == "FATAL":
            return f"{self.name} does not stay up"
        if self.state == "STOPPED":
            return f"{self.name} was stopped"
        return f"{self.name} is {self.state.lower()}"


def describe_gone(name: str) -> str:
    """Of a process that was there and that nobody knows any more, in words."""
    return f"{name} is gone: {TAKEN_DOWN}, or somebody removed it"
