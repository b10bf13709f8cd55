"""Close a run: whatever happened, nothing of it stays up."""

from typing import Any

from airflow.sdk import BaseOperator, Context

from patternalarm.operators.task_states import task_states
from patternalarm.runs import registry as runs
from patternalarm.runs.closing import RunCloser


class CloseRunOperator(BaseOperator):  # type: ignore[misc]
    """The teardown task of a run, see ``RunCloser``. A run that nobody graded ends as failed, with the tasks that failed
    as its reason.

    Args:
        run_id: the run.
        keep_topics: ``True`` leaves the topics to their retention, for a look into them.
        succeeded: task whose success makes an ungraded run a passed one; None when only a grade can.
    """

    template_fields = ("run_id", "keep_topics")

    def __init__(self, *, run_id: str, keep_topics: str = "False", succeeded: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.run_id = run_id
        self.keep_topics = keep_topics
        self.succeeded = succeeded

    def execute(self, context: Context) -> None:
        """Close it.

        Raises:
            ClosingError: something could not be done; the message names each.
        """
        state, reason = self._verdict(context)
        RunCloser(self.log).close(self.run_id, state, reason, keep_topics=self.keep_topics == "True")

    def _verdict(self, context: Context) -> tuple[runs.RunState, str | None]:
        states = task_states(context["ti"])
        if self.succeeded and states.get(self.succeeded) == "success":
            return runs.RunState.PASSED, None
        failed = sorted(task for task, state in states.items() if state == "failed")
        return runs.RunState.FAILED, f"failed at {', '.join(failed)}" if failed else "ended before it was graded"
