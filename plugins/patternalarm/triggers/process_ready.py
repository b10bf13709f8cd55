"""Wait until a process says that it is ready."""

from pathlib import Path
from typing import Any

from patternalarm.hooks import targets
from patternalarm.triggers.polling import Done, Failed, PollingTrigger


class ProcessReadyTrigger(PollingTrigger):
    """Done when the ready file exists, failed as soon as the process ends without it.

    Args:
        name: program name.
        ready_file: file that the process creates when it is ready.
    """

    def __init__(self, *, name: str, ready_file: str, interval: float = 0.5, patience: float | None = None) -> None:
        super().__init__(interval=interval, patience=patience)
        self.name = name
        self.ready_file = ready_file

    def look(self) -> Done | Failed | None:
        """Look for the file, then ask the supervisor."""
        processes = targets.processes()
        state = processes.state(self.name)
        if state is None:
            return Failed(f"{self.name} is gone: somebody removed it from the supervisor")
        if not state.alive:
            log = processes.tail_log(self.name)
            return Failed(f"not ready: {state.describe(log)}", log)
        return Done() if Path(self.ready_file).exists() else None

    def on_user_kill(self) -> None:
        """Stop the process."""
        targets.processes().stop_and_remove(self.name)

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        return f"{self.name} is not ready"

    def explaining_log(self) -> list[str]:
        """The process's last lines."""
        return targets.processes().tail_log(self.name)

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"name": self.name, "ready_file": self.ready_file}
