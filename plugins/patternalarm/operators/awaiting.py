"""What every operator of ours that waits has in common."""

from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.triggers.polling import PollingTrigger


class AwaitingOperator(BaseOperator):  # type: ignore[misc]
    """Leaves the waiting to a trigger, and turns the trigger's failure into its own, with the reason in the log.

    Success ends the task in the triggerer, so nothing comes back here.
    """

    def wait_with(self, trigger: PollingTrigger) -> None:
        """Give up the worker until ``trigger`` has an outcome. Does not return."""
        self.defer(trigger=trigger, method_name="fail")

    def fail(self, context: Context, event: dict[str, Any]) -> None:  # noqa: ARG002 - Airflow's signature
        """End the task with the trigger's reason.

        Raises:
            AirflowFailException: always.
        """
        for line in event["log"]:
            self.log.error("%s", line)
        raise AirflowFailException(event["reason"])
