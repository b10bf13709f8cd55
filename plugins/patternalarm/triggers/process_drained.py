"""Wait until a process has nothing left to do, then stop it."""

from abc import abstractmethod
from typing import Any

from patternalarm.engines import target
from patternalarm.engines.process_state import describe_gone
from patternalarm.triggers.polling import Done, Failed, PollingTrigger


class ProcessDrainedTrigger(PollingTrigger):
    """Done when the process was not behind any more and was stopped, failed as soon as it ends by itself.

    The stopped process stays known until the teardown, so that a trigger that takes over from one that died after the stop
    finds it stopped and not gone.

    Args:
        name: the job's name.
    """

    def __init__(self, *, name: str, interval: float, patience: float | None) -> None:
        super().__init__(interval=interval, patience=patience)
        self.name = name
        self._behind = -1

    @abstractmethod
    def behind(self) -> int:
        """How much is left to do; it may block."""

    def look(self) -> Done | Failed | None:
        """Ask for the process, then how much is left; stop the process when nothing is."""
        processes = target.processes()
        state = processes.state(self.name)
        if state is None:
            return Failed(describe_gone(self.name))
        was_stopped = state.state == "STOPPED" and not state.failed_by_verdict
        if not state.alive and not was_stopped:
            log = processes.tail_log(self.name)
            return Failed(f"not done: {state.describe(log)}", log)
        self._behind = self.behind()
        if self._behind:
            return None
        stopped = processes.stop(self.name)
        if stopped and stopped.failed_by_verdict:
            log = processes.tail_log(self.name)
            return Failed(stopped.describe(log), log)
        return Done()

    def progress(self) -> Any:
        """What is left."""
        return self._behind

    def on_user_kill(self) -> None:
        """Stop the process."""
        target.processes().remove(self.name)

    def explaining_log(self) -> list[str]:
        """The process's last lines."""
        return target.processes().tail_log(self.name)
