"""Who waits for a run keeps its lease."""

import logging
import time
from typing import Any, Final

import psycopg

from patternalarm.hooks.platform_database import PlatformDatabaseError, PlatformDatabaseHook
from patternalarm.retrying import Complaints, asking_once
from patternalarm.runs import registry as runs

_ASKED_AGAIN_AFTER_SECONDS: Final = 10

logger = logging.getLogger(__name__)


class LeaseRenewal:
    """Renews the leases that the Airflow run of a task holds, once a minute at most. A run without one needs none.

    Args:
        task_instance: the task instance as the triggerer knows it; None outside of one.
    """

    def __init__(self, task_instance: Any) -> None:
        self._task_instance = task_instance
        self._next = time.monotonic()
        self._complaints = Complaints("renew the lease", logger.warning)

    @property
    def is_due(self) -> bool:
        """Whether it is time to renew."""
        return self._task_instance is not None and time.monotonic() >= self._next

    def renew(self) -> None:
        """Renew. A database that is away is asked again some looks later: a lease outlives that."""
        dag_id, airflow_run_id = self._task_instance.dag_id, self._task_instance.run_id
        try:
            with asking_once():
                PlatformDatabaseHook().write(
                    f"renew the leases of {airflow_run_id}",
                    lambda connection: runs.renew_leases(connection, dag_id, airflow_run_id),
                )
        except (PlatformDatabaseError, psycopg.Error) as error:
            self._complaints.hear(error, "trying again")
            self._next = time.monotonic() + _ASKED_AGAIN_AFTER_SECONDS
        else:
            self._next = time.monotonic() + runs.LEASE_RENEWED_EVERY.total_seconds()
