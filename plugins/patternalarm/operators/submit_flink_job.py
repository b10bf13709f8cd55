"""Submit a Flink job."""

import re
import subprocess
from collections.abc import Sequence
from typing import Any, Final

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from patternalarm.hooks import targets
from patternalarm.operators.awaiting import AwaitingOperator
from patternalarm.retrying import retrying
from patternalarm.settings import REPOSITORY
from patternalarm.telling_line import telling_line
from patternalarm.triggers.flink_running import FlinkRunningTrigger

JOB_ID: Final = "job_id"

_SUBMITTED: Final = re.compile(r"JobID ([0-9a-f]{32})")
_SUBMIT_TIMEOUT_SECONDS: Final = 180


class _NoSlotsError(AirflowFailException):  # type: ignore[misc]
    """Flink has too few free task slots."""


class SubmitFlinkJobOperator(AwaitingOperator):
    """Submits a job and waits until all of it runs. The job's id is the task's XCom ``job_id``.

    Args:
        command: a detached ``flink run``, which prints the job's id.
        slots: task slots that the job needs; without them it would wait for ever.
        patience: seconds that it may take to run once it is submitted.
    """

    template_fields = ("command",)

    def __init__(self, *, command: Sequence[str], slots: int, patience: float = 180, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.command = command
        self.slots = slots
        self.patience = patience

    def execute(self, context: Context) -> None:
        """Submit the job, then wait until it runs.

        Raises:
            AirflowFailException: no free slots as long as patience lasts, or the submission fails.
            FlinkError: Flink cannot be reached.
        """
        # A TaskManager that is restarted has none for a while.
        retrying("find free task slots", passes=lambda error: isinstance(error, _NoSlotsError))(self._check_slots)
        self.log.info("submitting: %s", " ".join(self.command))
        try:
            submission = subprocess.run(
                list(self.command),
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_SUBMIT_TIMEOUT_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise AirflowFailException(f"there is no {self.command[0]}: `make up` writes it") from None
        except subprocess.TimeoutExpired:
            raise AirflowFailException(f"the submission took more than {_SUBMIT_TIMEOUT_SECONDS} s") from None
        lines = submission.stdout.splitlines()
        for line in lines[-60:]:
            self.log.info("%s", line)
        found = _SUBMITTED.search(submission.stdout)
        if submission.returncode or not found:
            why = telling_line(lines) or "it printed nothing"
            raise AirflowFailException(f"the submission ended with exit code {submission.returncode}: {why}")
        # Not the trigger's return value: Airflow 3.3.2 encodes what a trigger returns as JSON twice.
        context["ti"].xcom_push(key=JOB_ID, value=found[1])
        self.wait_with(FlinkRunningTrigger(job_id=found[1], patience=self.patience))

    def _check_slots(self) -> None:
        free = targets.flink().free_slots()
        if free < self.slots:
            raise _NoSlotsError(
                f"Flink has {free} free task slots, the job needs {self.slots}: wait until another run ends, "
                "or see `make status` for a TaskManager that is down"
            )
