"""Processes under two supervisors: generators apart from everything else, whose end they shall not share."""

from signal import Signals

from patternalarm.contracts.jobs import is_generator
from patternalarm.engines.job_spec import JobSpec
from patternalarm.engines.local.processes import SupervisedProcesses
from patternalarm.engines.ports import Processes
from patternalarm.engines.process_state import ProcessState
from patternalarm.settings import Settings


class DividedProcesses:
    """Port ``Processes`` where generators have a supervisor of their own.

    Args:
        settings: where the two supervisors listen and where their files are.
    """

    def __init__(self, settings: Settings) -> None:
        self._jobs: Processes = SupervisedProcesses(settings)
        self._generators: Processes = SupervisedProcesses(settings, "generator_supervisor")

    def start(self, job: JobSpec) -> None:
        """See ``Processes``."""
        self._of(job.name).start(job)

    def state(self, name: str) -> ProcessState | None:
        """See ``Processes``."""
        return self._of(name).state(name)

    def names(self, prefix: str) -> list[str]:
        """See ``Processes``."""
        return sorted([*self._jobs.names(prefix), *self._generators.names(prefix)])

    def is_ready(self, name: str) -> bool:
        """See ``Processes``."""
        return self._of(name).is_ready(name)

    def tail_log(self, name: str, lines: int = 200) -> list[str]:
        """See ``Processes``."""
        return self._of(name).tail_log(name, lines)

    def signal(self, name: str, number: Signals) -> None:
        """See ``Processes``."""
        self._of(name).signal(name, number)

    def stop(self, name: str) -> ProcessState | None:
        """See ``Processes``."""
        return self._of(name).stop(name)

    def remove(self, name: str) -> None:
        """See ``Processes``."""
        self._of(name).remove(name)

    def _of(self, name: str) -> Processes:
        return self._generators if is_generator(name) else self._jobs
