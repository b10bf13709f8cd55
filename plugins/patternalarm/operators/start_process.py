"""Start a process that stays."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from airflow.sdk import Context

from patternalarm.hooks import targets
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.process_ready import ProcessReadyTrigger


class StartProcessOperator(AwaitingOperator):
    """Starts a long-running process and waits until it is ready; fails at once when it ends before.

    The supervisor starts it again when it is killed.

    Args:
        name: program name, unique on the machine.
        command: program and arguments, without ``--ready-file``, which is added.
        ready_file: file that the process creates when it is ready; an old one is removed first.
        env: variables on top of the platform's own; no secrets.
        patience: seconds that it may take to be ready.
    """

    template_fields = ("name", "command", "ready_file", "env")

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        ready_file: str,
        env: Mapping[str, str] | None = None,
        patience: float = 240,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.command = command
        self.ready_file = ready_file
        self.env = env
        self.patience = patience

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Start the process, then wait until it is ready."""
        ready = Path(self.ready_file)
        ready.parent.mkdir(parents=True, exist_ok=True)
        ready.unlink(missing_ok=True)
        command = [*self.command, "--ready-file", self.ready_file]
        self.log.info("starting %s: %s", self.name, " ".join(command))
        targets.processes().start_process(self.name, command, env=self.env, restarts=True)
        self.wait_with(ProcessReadyTrigger(name=self.name, ready_file=self.ready_file, patience=self.patience))
