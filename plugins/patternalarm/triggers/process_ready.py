"""Wait until a process says that it is ready."""

from typing import Any

from patternalarm.engines import target
from patternalarm.engines.process_state import describe_gone
from patternalarm.triggers.polling import Done, Failed, PollingTrigger


class ProcessReadyTrigger(PollingTrigger):
    """Done when the process has told so, failed as soon as it ends before.

    Args:
        name: the job's name.
    """

    def __init__(self, *, name: str, interval: float = 0.5, patience: float | None = None) -> None:
        super().__init__(interval=interval, patience=patience)
        self.name = name

    def look(self) -> Done | Failed | None:
        """Ask for the process, then whether it is ready."""
        processes = target.processes()
        state = processes.state(self.name)
        if state is None:
            return Failed(describe_gone(self.name))
        if not state.alive:
            log = processes.tail_log(self.name)
            return Failed(f"not ready: {state.describe(log)}", log)
        return Done() if processes.is_ready(self.name) else None

    def on_user_kill(self) -> None:
        """Stop the process."""
        target.processes().remove(self.name)

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        return f"{self.name} is not ready"

    def explaining_log(self) -> list[str]:
        """The process's last lines."""
        return target.processes().tail_log(self.name)

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"name": self.name}
