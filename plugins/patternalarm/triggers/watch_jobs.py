"""Watch a run's jobs while its generators run."""

import time
from typing import Any, Final

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.engines import target
from patternalarm.engines.process_state import ProcessState, describe_gone
from patternalarm.retrying import patience_of_settings
from patternalarm.triggers.flink_job import job_at_work
from patternalarm.triggers.polling import Done, Failed, PollingTrigger

# Now and then is bad luck or a test; a job that does not stay up must end the run.
MAX_RESTARTS: Final = 3
RESTARTS_WITHIN_SECONDS: Final = 180
_GENERATOR_START_SECONDS: Final = 20


class WatchJobsTrigger(PollingTrigger):
    """Done when all generators ended well, failed at once when anything that they need is gone for good.

    A Flink job restarts without an end, be it that its engines are away or that it never will run; what tells them apart is
    progress. One that completes no checkpoint for the patience of the settings is gone.

    When it fails, it stops the generators, so that the tasks that wait for them end too and the teardown begins.

    Args:
        domain: the run's domain.
        scope: the run.
        jobs: names of the long-running processes.
        generators: names of the generators; they must not be removed when they end.
        until: epoch seconds by which the generators must have ended.
    """

    def __init__(
        self,
        *,
        domain: str,
        scope: str,
        jobs: list[str],
        generators: list[str],
        until: float,
        interval: float = 1.0,
        patience: float | None = None,
    ) -> None:
        super().__init__(interval=interval, patience=patience)
        self.domain = domain
        self.scope = scope
        self.jobs = jobs
        self.generators = generators
        self.until = until
        self._starts: dict[str, set[int]] = {}
        self._checkpoint = -1
        self._checkpoint_at = time.monotonic()

    def look(self) -> Done | Failed | None:
        """Ask for the Flink job and the processes once."""
        failed = self._failed_flink_job() or self._failed_process()
        if failed:
            return failed
        processes = target.processes()
        states = [processes.state(name) for name in self.generators]
        if all(state and state.state == "EXITED" and state.exit_code == 0 for state in states):
            return Done()
        if time.time() > self.until:
            return Failed(f"{self.waiting_for()} long after they should have ended")
        return None

    def on_failure(self) -> None:
        """Stop the generators, also those that a task of the same moment is about to start."""
        processes = target.processes()
        patience_ends = time.monotonic() + _GENERATOR_START_SECONDS
        waiting = set(self.generators)
        while waiting and time.monotonic() < patience_ends:
            stopped = {name: processes.stop(name) for name in waiting}
            # One that started between the request to stop it and the question for its state is asked again.
            waiting -= {name for name, state in stopped.items() if state and state.was_started and not state.alive}
            time.sleep(0.5 if waiting else 0)

    def waiting_for(self) -> str:
        """See ``PollingTrigger``."""
        return f"the generators {', '.join(self.generators)} are not done"

    def arguments(self) -> dict[str, Any]:
        """See ``PollingTrigger``."""
        return {
            "domain": self.domain,
            "scope": self.scope,
            "jobs": self.jobs,
            "generators": self.generators,
            "until": self.until,
        }

    def _failed_flink_job(self) -> Failed | None:
        flink = target.flink()
        job = job_at_work(flink, flink_job_name(self.domain, self.scope))
        if isinstance(job, Failed):
            return job
        checkpoint = flink.last_checkpoint(job.job_id)
        if checkpoint != self._checkpoint:
            self._checkpoint, self._checkpoint_at = checkpoint, time.monotonic()
        standstill = time.monotonic() - self._checkpoint_at
        if standstill <= patience_of_settings():
            return None
        return Failed(
            f"Flink job {job.name}, which is {job.state}, completed no checkpoint for {standstill:.0f} s: "
            f"{flink.failure(job.job_id)}"
        )

    def _failed_process(self) -> Failed | None:
        processes = target.processes()
        for name in self.jobs:
            state = processes.state(name)
            if state is None:
                return Failed(describe_gone(name))
            if not state.alive:
                log = processes.tail_log(name)
                return Failed(state.describe(log), log)
            if self._restarts(state) > MAX_RESTARTS:
                return Failed(
                    f"{name} does not stay up: restarted {self._restarts(state)} times", processes.tail_log(name)
                )
        for name in self.generators:
            state = processes.state(name)
            if state and state.was_started and not state.alive and state.exit_code != 0:
                log = processes.tail_log(name)
                return Failed(state.describe(log), log)
        return None

    def _restarts(self, state: ProcessState) -> int:
        starts = self._starts.setdefault(state.name, set())
        if state.started_at not in starts and starts:
            self.log.warning("%s was restarted, pid %d", state.name, state.pid)
        starts.add(state.started_at)
        return sum(state.started_at - at <= RESTARTS_WITHIN_SECONDS for at in starts) - 1
