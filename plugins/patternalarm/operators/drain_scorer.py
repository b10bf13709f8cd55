"""Drain a scorer."""

from typing import Any

from airflow.sdk import Context

from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.triggers.scorer_drained import ScorerDrainedTrigger


class DrainScorerOperator(AwaitingOperator):
    """Waits until every event has its score, then stops the scorer.

    Args:
        name: the scorer's program name.
        domain: the domain.
        scope: the scope, whose features topic nobody writes to any more.
        score_from_ms: events older than this (epoch milliseconds) are owed no score.
        patience: seconds without any score written after which waiting is a failure.
    """

    template_fields = ("name", "domain", "scope", "score_from_ms")

    def __init__(
        self, *, name: str, domain: str, scope: str, score_from_ms: str, patience: float = 180, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.domain = domain
        self.scope = scope
        self.score_from_ms = score_from_ms
        self.patience = patience

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow's signature
        """Wait for the last score."""
        self.wait_with(
            ScorerDrainedTrigger(
                name=self.name,
                domain=self.domain,
                scope=self.scope,
                score_from_ms=int(self.score_from_ms),
                patience=self.patience,
            )
        )
