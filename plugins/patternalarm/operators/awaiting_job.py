"""What the operators that wait for a run's Flink job have in common."""

from collections.abc import Sequence
from typing import Any

from patternalarm.operators.awaiting import AwaitingOperator


class AwaitingJobOperator(AwaitingOperator):
    """Waits for something of the Flink job of a scope.

    Args:
        job_id: the Flink job.
        domain: the domain.
        scope: the scope, to whose events topic nobody writes while this waits.
        patience: seconds without any progress after which waiting is a failure.
    """

    template_fields: Sequence[str] = ("job_id", "domain", "scope")

    def __init__(self, *, job_id: str, domain: str, scope: str, patience: float = 120, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.domain = domain
        self.scope = scope
        self.patience = patience
