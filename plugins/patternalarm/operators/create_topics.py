"""Create the topics of a scope."""

from typing import Any

from airflow.sdk import BaseOperator, Context

from patternalarm.hooks.kafka_topics import KafkaTopicsHook


class CreateTopicsOperator(BaseOperator):  # type: ignore[misc]
    """Creates every topic of a domain in a scope, with partitions and retention from the contracts; again is no error.

    Args:
        domain: the domain.
        scope: ``live`` or a run_id.
    """

    template_fields = ("domain", "scope")

    def __init__(self, *, domain: str, scope: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.domain = domain
        self.scope = scope

    def execute(self, context: Context) -> list[str]:  # noqa: ARG002 - Airflow's signature
        """Create them; the names of all."""
        return KafkaTopicsHook().create(self.domain, self.scope)
