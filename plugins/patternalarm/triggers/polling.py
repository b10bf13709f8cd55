"""What every trigger of ours does: look, sleep, look again, until there is an outcome."""

import asyncio
import time
from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from airflow.triggers.base import BaseTrigger, TaskSuccessEvent, TriggerEvent

from patternalarm.passing_errors import passes_by_itself
from patternalarm.retrying import Complaints, asking_once, patience_of_settings
from patternalarm.triggers.lease_renewal import LeaseRenewal


@dataclass(frozen=True)
class Done:
    """What was waited for has come."""


@dataclass(frozen=True)
class Failed:
    """What was waited for will never come: one sentence why, and the last lines of the log that explain it."""

    reason: str
    log: list[str] = field(default_factory=list)


class PollingTrigger(BaseTrigger):  # type: ignore[misc]
    """Calls ``look`` in a thread every ``interval`` seconds until it returns ``Done`` or ``Failed``.

    Done ends the task here, without a worker; Failed goes back to the operator, whose log then tells the reason. While it
    waits, the leases of the task's runs are renewed.

    Args:
        interval: seconds between two looks.
        patience: seconds without any progress after which waiting is a failure; None waits for ever.
    """

    def __init__(self, *, interval: float, patience: float | None) -> None:
        super().__init__()
        self.interval = interval
        self.patience = patience

    @abstractmethod
    def look(self) -> Done | Failed | None:
        """Look once; None means not yet. It may block.

        What it raises fails the task: an error that passes by itself when the patience of the settings is over, any
        other at once. Within it nothing is tried twice, because the next look does.
        """

    def progress(self) -> Any:
        """What changes while there is progress; by default nothing does, so patience is a plain time limit."""
        return None

    @abstractmethod
    def waiting_for(self) -> str:
        """What has not come yet, in words; it ends the sentence "nothing moved for 60 s: "."""

    def explaining_log(self) -> list[str]:
        """Lines that explain why it has not come; by default there are none."""
        return []

    @abstractmethod
    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments beside those of this class."""

    def success(self) -> TriggerEvent:
        """What is told when it has come: by default the task's success, which needs no worker."""
        return TaskSuccessEvent()

    def on_failure(self) -> None:
        """What a failure entails beside the task's own end; it may block."""

    def on_user_kill(self) -> None:
        """Stop what runs outside when a user ends the task; the teardown does it for every other end."""

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Class path and constructor's arguments."""
        own = {"interval": self.interval, "patience": self.patience}
        return f"{type(self).__module__}.{type(self).__qualname__}", {**self.arguments(), **own}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll, then yield the outcome."""
        progress, changed_at, answered_at = self.progress(), time.monotonic(), time.monotonic()
        tolerance = patience_of_settings()
        complaints = Complaints("look", self.log.warning)
        lease = LeaseRenewal(self.task_instance)
        while True:
            if lease.is_due:
                await asyncio.to_thread(lease.renew)
            outcome: Done | Failed | None = None
            try:
                with asking_once():
                    outcome = await asyncio.to_thread(self.look)
                answered_at = time.monotonic()
            except Exception as error:  # noqa: BLE001 - whatever it is, the task must end with its message
                silence, said = time.monotonic() - answered_at, f"{type(error).__name__}: {error}"
                # Who cannot look cannot see progress either.
                changed_at = time.monotonic()
                if not passes_by_itself(error):
                    outcome = Failed(said)
                elif silence > tolerance:
                    outcome = Failed(f"no answer for {silence:.0f} s: {said}")
                else:
                    complaints.hear(error, f"looking again for {tolerance:.0f} s")
            if outcome is None and self.progress() != progress:
                progress, changed_at = self.progress(), time.monotonic()
            if outcome is None and self.patience is not None and time.monotonic() - changed_at > self.patience:
                outcome = await asyncio.to_thread(self._give_up)
            if isinstance(outcome, Done):
                yield self.success()
                return
            if isinstance(outcome, Failed):
                await asyncio.to_thread(self._follow_up)
                yield TriggerEvent({"reason": outcome.reason, "log": outcome.log})
                return
            await asyncio.sleep(self.interval)

    async def on_kill(self) -> None:
        """A user ended the task."""
        await asyncio.to_thread(self.on_user_kill)

    def _give_up(self) -> Failed:
        silence = f"nothing moved for {self.patience:.0f} s"
        try:
            return Failed(f"{silence}: {self.waiting_for()}", self.explaining_log())
        except Exception as error:  # noqa: BLE001 - an engine that cannot explain itself is no reason to wait on
            return Failed(f"{silence}, and {error}")

    def _follow_up(self) -> None:
        try:
            self.on_failure()
        except Exception as error:  # noqa: BLE001 - the first failure is the one to tell; the teardown does the rest
            self.log.error("%s: %s", type(error).__name__, error)
