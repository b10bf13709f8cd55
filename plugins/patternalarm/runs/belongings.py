"""What runs own outside the registry: processes, Flink jobs, topics and folders, each found by the run_id in its name.

A name without the run_id that we make belongs to somebody else, as does whatever is of the scope ``live``.
"""

import time
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from patternalarm.contracts.jobs import flink_job_name
from patternalarm.contracts.runs import is_run_id
from patternalarm.contracts.topics import TopicKind
from patternalarm.engines import target
from patternalarm.engines.errors import FlinkError
from patternalarm.hooks.kafka_topics import KafkaTopicsHook

_CANCEL_SECONDS: Final = 60
_FLINK_PREFIX: Final = flink_job_name("", "").rstrip("-") + "-"


class Belongings(ABC):
    """One kind of thing that runs own."""

    what: str
    """The things in words, for a message."""

    @abstractmethod
    def names(self) -> Iterable[str]:
        """Names of all that there is of this kind, whoever owns it."""

    @abstractmethod
    def owner(self, name: str) -> str:
        """What stands in ``name`` where a run's things have its run_id."""

    @abstractmethod
    def remove(self, run_id: str) -> list[str]:
        """Remove what the run owns, and return when it is gone; the names. What is gone already is no error."""

    def of(self, run_id: str) -> list[str]:
        """Names of what the run owns."""
        return [name for name in self.names() if self.owner(name) == run_id]

    def by_run(self) -> dict[str, list[str]]:
        """Names of what runs own, by run_id, also of runs that nobody knows."""
        found: defaultdict[str, list[str]] = defaultdict(list)
        for name in self.names():
            if is_run_id(owner := self.owner(name)):
                found[owner].append(name)
        return dict(found)


class RunProcesses(Belongings):
    """Processes, ``<run_id>.<what>``."""

    what = "processes"

    def names(self) -> Iterable[str]:
        """See ``Belongings``."""
        return target.processes().names("")

    def owner(self, name: str) -> str:
        """See ``Belongings``."""
        return name.partition(".")[0]

    def remove(self, run_id: str) -> list[str]:
        """See ``Belongings``."""
        processes = target.processes()
        names = self.of(run_id)
        for name in names:
            processes.remove(name)
        return names


class RunFlinkJobs(Belongings):
    """Flink jobs, ``detect-<domain>-<run_id>``, and what Flink keeps of how they ended."""

    what = "Flink jobs"

    def names(self) -> Iterable[str]:
        """See ``Belongings``."""
        flink = target.flink()
        known = {*flink.running_jobs().values(), *flink.ended_jobs()}
        return sorted(name for name in known if name.startswith(_FLINK_PREFIX))

    def owner(self, name: str) -> str:
        """See ``Belongings``."""
        # A domain's name holds no dash.
        return name.removeprefix(_FLINK_PREFIX).partition("-")[2]

    def remove(self, run_id: str) -> list[str]:
        """See ``Belongings``.

        Raises:
            FlinkError: a job still runs a minute after it was cancelled, or Flink has not cleaned up after it.
        """
        names = self.of(run_id)
        patience_ends = time.monotonic() + _CANCEL_SECONDS
        while running := {
            job: name for job, name in target.flink().running_jobs().items() if self.owner(name) == run_id
        }:
            refusal = self._cancel(running)
            if time.monotonic() > patience_ends:
                left = ", ".join(running.values())
                raise FlinkError(f"{left} still runs {_CANCEL_SECONDS} s after it was cancelled{refusal}")
            time.sleep(0.5)
        for name in names:
            target.flink().forget(name)
        return names

    @staticmethod
    def _cancel(jobs: Iterable[str]) -> str:
        refusal = ""
        for job in jobs:
            try:
                target.flink().cancel(job)
            except FlinkError as error:
                # It may have ended, or be about to; the next look tells.
                refusal = f": {error}"
        return refusal


class RunTopics(Belongings):
    """Topics, ``<kind>.<domain>.<run_id>``."""

    what = "topics"

    def names(self) -> Iterable[str]:
        """See ``Belongings``."""
        return [name for name in KafkaTopicsHook().names() if name.partition(".")[0] in set(TopicKind)]

    def owner(self, name: str) -> str:
        """See ``Belongings``."""
        return name.rpartition(".")[2] if name.count(".") == 2 else ""

    def remove(self, run_id: str) -> list[str]:
        """See ``Belongings``."""
        return KafkaTopicsHook().drop_named(self.of(run_id))


class RunFolders(Belongings):
    """The directory of a run: scratch files, checkpoints and savepoints."""

    what = "folders"

    def names(self) -> Iterable[str]:
        """See ``Belongings``."""
        return target.files().scopes()

    def owner(self, name: str) -> str:
        """See ``Belongings``."""
        return name

    def remove(self, run_id: str) -> list[str]:
        """See ``Belongings``."""
        names = self.of(run_id)
        target.files().remove(run_id)
        return names


def all_belongings() -> list[Belongings]:
    """Every kind, in the order in which a run gives them up: who writes goes before what is written to."""
    return [RunProcesses(), RunFlinkJobs(), RunTopics(), RunFolders()]
