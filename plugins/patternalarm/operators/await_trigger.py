"""Wait for what a trigger looks for."""

from collections.abc import Mapping
from typing import Any

from airflow.sdk import Context

from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.polling import PollingTrigger


class AwaitOperator(AwaitingOperator):
    """Waits until a trigger is done; what that means, and what the trigger ends with it, its class says.

    Args:
        trigger: the trigger's class.
        arguments: its own arguments; texts may be templates.
        patience: seconds without any progress after which waiting is a failure.
    """

    template_fields = ("arguments",)

    def __init__(
        self, *, trigger: type[PollingTrigger], arguments: Mapping[str, Any], patience: float = 120, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.trigger = trigger
        self.arguments = arguments
        self.patience = patience

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Wait."""
        self.wait_with(self.trigger(**self.arguments, patience=self.patience))
