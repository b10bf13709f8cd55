"""What every operator of ours that waits has in common."""

from typing import Any, Final

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.triggers.polling import PollingTrigger

_TOLD_BEFORE_SECONDS: Final = 60


class AwaitingOperator(BaseOperator):  # type: ignore[misc]
    """Leaves the waiting to a trigger, and turns the trigger's failure into its own, with the reason in the log.

    Success ends the task in the triggerer, so nothing comes back here.
    """

    def wait_with(self, trigger: PollingTrigger) -> None:
        """Give up the worker until ``trigger`` has an outcome. Does not return.

        A trigger without a patience of its own gets one that ends before the task's time does: its message tells what was
        waited for, Airflow's does not. And Airflow asks for the time that a deferred task may take here alone.
        """
        if trigger.patience is None and self.execution_timeout is not None:
            trigger.patience = max(0.0, self.execution_timeout.total_seconds() - _TOLD_BEFORE_SECONDS)
        self.defer(trigger=trigger, method_name="fail", timeout=self.execution_timeout)

    def fail(self, context: Context, event: dict[str, Any]) -> None:  # noqa: ARG002 - Airflow's signature
        """End the task with the trigger's reason.

        Raises:
            AirflowFailException: always.
        """
        for line in event["log"]:
            self.log.error("%s", line)
        raise AirflowFailException(event["reason"])
