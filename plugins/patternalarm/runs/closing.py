"""Close a run: nothing of it stays up, whoever asks for it and however often."""

import logging
from collections.abc import Callable
from typing import Any

from patternalarm.contracts.tables import CONSUMER_OFFSET
from patternalarm.hooks.platform_database import PlatformDatabaseHook
from patternalarm.runs import registry as runs
from patternalarm.runs.belongings import RunTopics, all_belongings

logger = logging.getLogger(__name__)


class ClosingError(RuntimeError):
    """Something of a run could not be removed; the message names each. Closing it again goes on where this ended."""


class RunCloser:
    """Takes a run's lease away, removes what it owns, and ends it.

    The lease goes first: from then on no task begins for the run, so that what is removed stays gone. Every step is tried
    whatever became of the others, and doing it again is no error: two may close the same run at once.

    Args:
        log: where to tell what was removed.
    """

    def __init__(self, log: Any = logger) -> None:
        self._log = log
        self._database = PlatformDatabaseHook()

    def close(self, run_id: str, state: runs.RunState, reason: str | None, *, keep_topics: bool = False) -> None:
        """Close the run; one that has a verdict already keeps it.

        Args:
            run_id: the run.
            state: how it ended, if nobody said so before.
            reason: why, in words.
            keep_topics: leave its topics to their retention.

        Raises:
            ClosingError: something of it could not be removed.
        """
        self._try_all(
            run_id,
            [
                ("release the lease", lambda: self._release(run_id)),
                *self._removals(run_id, keep_topics),
                ("end the run", lambda: self._end(run_id, state, reason)),
            ],
        )

    def remove(self, run_id: str, *, keep_topics: bool = False) -> None:
        """Remove what is left of a run that is closed, or that nobody knows.

        Raises:
            ClosingError: something of it could not be removed.
        """
        self._try_all(run_id, self._removals(run_id, keep_topics))

    def _removals(self, run_id: str, keep_topics: bool) -> list[tuple[str, Callable[[], None]]]:
        def removal(kind: Any) -> Callable[[], None]:
            def remove() -> None:
                names = kind.remove(run_id)
                if names:
                    self._log.info("removed %d %s: %s", len(names), kind.what, ", ".join(names))

            return remove

        kinds = [kind for kind in all_belongings() if not (keep_topics and isinstance(kind, RunTopics))]
        return [(f"remove {kind.what}", removal(kind)) for kind in kinds]

    def _try_all(self, run_id: str, steps: list[tuple[str, Callable[[], None]]]) -> None:
        problems = []
        for what, step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - one engine that is down must not keep the others up
                self._log.error("cannot %s: %s", what, error)
                problems.append(f"cannot {what}: {error}")
        if problems:
            raise ClosingError(f"run {run_id} is not closed: {'; '.join(problems)}")

    def _release(self, run_id: str) -> None:
        self._database.write(f"release {run_id}", lambda connection: runs.release_lease(connection, run_id))

    def _end(self, run_id: str, state: runs.RunState, reason: str | None) -> None:
        def end(connection: Any) -> bool:
            connection.execute(f"DELETE FROM {CONSUMER_OFFSET} WHERE scope = %s", (run_id,))
            return runs.finish_run(connection, run_id, state, reason)

        if self._database.write(f"end run {run_id}", end):
            self._log.info("run %s ended as %s: %s", run_id, state, reason)
