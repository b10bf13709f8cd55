"""Drain an alert writer."""

from typing import Any

from airflow.sdk import Context

from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.alert_writer_drained import AlertWriterDrainedTrigger


class DrainAlertWriterOperator(AwaitingOperator):
    """Waits until every finding is committed as an alert, then stops the alert writer.

    Args:
        name: the writer's program name.
        domain: the domain.
        scope: the scope, whose evidence and pattern hits nobody writes to any more.
        patience: seconds without any commit after which waiting is a failure.
    """

    template_fields = ("name", "domain", "scope")

    def __init__(self, *, name: str, domain: str, scope: str, patience: float = 180, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.domain = domain
        self.scope = scope
        self.patience = patience

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Wait for the last commit."""
        self.wait_with(
            AlertWriterDrainedTrigger(name=self.name, domain=self.domain, scope=self.scope, patience=self.patience)
        )
