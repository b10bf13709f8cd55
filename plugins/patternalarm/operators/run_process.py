"""Run a process to its end."""

from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import Context

from patternalarm.hooks import targets
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.process_exit import ProcessExitTrigger


class RunProcessOperator(AwaitingOperator):
    """Starts a process and waits until it ends; another exit code than 0 fails the task, its last lines are in the log.

    A process that is killed is not started again: what it did so far is not known.

    Args:
        name: program name, unique on the machine.
        command: program and arguments.
        arguments: more arguments, for mapping.
        env: variables on top of the platform's own; no secrets.
        accepted: exit codes that are a success.
        remove: forget the program once it ended; False leaves it to a teardown, for others to look at.
    """

    template_fields = ("name", "command", "arguments", "env")

    def __init__(
        self,
        *,
        name: str,
        command: Sequence[str],
        arguments: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        accepted: Sequence[int] = (0,),
        remove: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.command = command
        self.arguments = arguments
        self.env = env
        self.accepted = accepted
        self.remove = remove

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Start the process, then wait for its end."""
        command = [*self.command, *self.arguments]
        self.log.info("starting %s: %s", self.name, " ".join(command))
        targets.processes().start_process(self.name, command, env=self.env)
        self.wait_with(ProcessExitTrigger(name=self.name, accepted=list(self.accepted), remove=self.remove))
