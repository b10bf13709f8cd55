"""Wait until a process ended."""

from typing import Any

from patternalarm.engines import target
from patternalarm.engines.process_state import describe_gone
from patternalarm.triggers.polling import Done, Failed, PollingTrigger


class ProcessExitTrigger(PollingTrigger):
    """Done when the process ended with an accepted exit code, failed with its log's last lines otherwise.

    Args:
        name: the job's name.
        accepted: exit codes that are a success.
        remove: forget the process once it ended well, so that nothing but its log is left.
    """

    def __init__(
        self,
        *,
        name: str,
        accepted: list[int],
        remove: bool = True,
        interval: float = 0.5,
        patience: float | None = None,
    ) -> None:
        super().__init__(interval=interval, patience=patience)
        self.name = name
        self.accepted = accepted
        self.remove = remove

    def look(self) -> Done | Failed | None:
        """Ask for the process once."""
        processes = target.processes()
        state = processes.state(self.name)
        if state is None:
            return Failed(describe_gone(self.name))
        if state.alive:
            return None
        log = processes.tail_log(self.name)
        if self.remove:
            processes.remove(self.name)
        if state.state == "EXITED" and state.exit_code in self.accepted:
            for line in log:
                self.log.info("%s", line)
            return Done()
        return Failed(state.describe(log), log)

    def on_user_kill(self) -> None:
        """Stop the process."""
        target.processes().remove(self.name)

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        return f"{self.name} still runs"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {"name": self.name, "accepted": self.accepted, "remove": self.remove}
