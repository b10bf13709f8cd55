"""Second implementations of the ports: small enough to be read, strict enough to pass the contract suite."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from signal import Signals

from patternalarm.contracts.jobs import flink_job_id
from patternalarm.contracts.runs import RUN_ID_PATTERN
from patternalarm.engines.errors import FlinkError, ProcessesError
from patternalarm.engines.flink_job import FlinkJob
from patternalarm.engines.job_spec import JobSpec
from patternalarm.engines.process_state import VERDICT_EXIT_CODES, ProcessState

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class _Child:
    """One job's process, watched by a thread that starts it again if it shall be."""

    def __init__(self, job: JobSpec, command: list[str], log: Path) -> None:
        self.job, self.command, self.log = job, command, log
        self.stopping = False
        self.ended = threading.Event()
        self.start()
        threading.Thread(target=self.watch, daemon=True).start()

    def start(self) -> None:
        self.started_at = int(time.time())
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(self.command, stdout=output, stderr=subprocess.STDOUT)

    def watch(self) -> None:
        while True:
            code = self.process.wait()
            if self.stopping or not self.job.restarts or code in VERDICT_EXIT_CODES:
                break
            self.start()
        self.ended.set()

    def state(self) -> ProcessState:
        # While it is being started again, it counts as running.
        ended = self.ended.is_set()
        code = self.process.returncode if ended else None
        return ProcessState(
            name=self.job.name,
            state="RUNNING" if not ended else "STOPPED" if self.stopping else "EXITED",
            pid=0 if ended else self.process.pid,
            exit_code=code if code is None or code >= 0 else -1,
            started_at=self.started_at,
            restarts=self.job.restarts,
            signal=Signals(-code).name if code is not None and code < 0 else "",
        )


class SubprocessProcesses:
    """Port ``Processes`` by children of this process. Jobs must be of program ``SERVICE``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.children: dict[str, _Child] = {}

    def start(self, job: JobSpec) -> None:
        if not NAME.fullmatch(job.name):
            raise ValueError(f"process name {job.name!r}")
        self.remove(job.name)
        self._log(job.name).unlink(missing_ok=True)
        ready = ["--ready-file", str(self._ready(job.name))] if job.tells_ready else []
        command = [sys.executable, "-m", f"patternalarm.{job.module}", *job.arguments(), *ready]
        self.children[job.name] = _Child(job, command, self._log(job.name))

    def state(self, name: str) -> ProcessState | None:
        child = self.children.get(name)
        return child.state() if child else None

    def names(self, prefix: str) -> list[str]:
        return sorted(name for name in self.children if name.startswith(prefix))

    def is_ready(self, name: str) -> bool:
        return self._ready(name).exists()

    def tail_log(self, name: str, lines: int = 200) -> list[str]:
        log = self._log(name)
        return log.read_text(errors="replace").splitlines()[-lines:] if log.is_file() else []

    def signal(self, name: str, number: Signals) -> None:
        child = self.children.get(name)
        if child is None or child.ended.is_set():
            raise ProcessesError(f"{name} does not run")
        os.kill(child.process.pid, number)

    def stop(self, name: str) -> ProcessState | None:
        child = self.children.get(name)
        if child is None:
            return None
        if not child.ended.is_set():
            child.stopping = True
            child.process.terminate()
            if not child.ended.wait(30):
                child.process.kill()
                child.ended.wait()
        return child.state()

    def remove(self, name: str) -> None:
        self.stop(name)
        self.children.pop(name, None)
        self._ready(name).unlink(missing_ok=True)

    def _log(self, name: str) -> Path:
        return self.directory / f"{name}.log"

    def _ready(self, name: str) -> Path:
        return self.directory / f"{name}.ready"


class FilesInMemory:
    """Port ``Files`` without a disk."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def directory(self, scope: str) -> str:
        if not RUN_ID_PATTERN.fullmatch(scope):
            raise ValueError(f"scope {scope!r}")
        return f"memory:///{scope}"

    def scopes(self) -> list[str]:
        return sorted(self.known)

    def make(self, scope: str) -> str:
        self.known.add(scope)
        return self.directory(scope)

    def exists(self, scope: str) -> bool:
        self.directory(scope)
        return scope in self.known

    def remove(self, scope: str) -> None:
        self.directory(scope)
        self.known.discard(scope)

    def checkpoints(self, scope: str) -> str:
        return f"{self.directory(scope)}/checkpoints"


class CountedCapacity:
    """Port ``Capacity`` of two workers that start at once."""

    def __init__(self) -> None:
        self.workers = 0

    def scale_up(self) -> None:
        self.workers = 2

    def scale_to_zero(self) -> None:
        self.workers = 0

    def counts(self) -> dict[str, int]:
        return {"workers": self.workers}


class FlinkInMemory:
    """Port ``FlinkCluster`` of jobs that read their topic at once and end as soon as they are asked to."""

    SLOTS = 8
    SLOTS_OF_A_JOB = 2

    def __init__(self) -> None:
        self.jobs: dict[str, FlinkJob] = {}
        self.records: dict[tuple[str, int], int] = {}

    def run(self, name: str) -> None:
        """Start the job of this name.

        Raises:
            FlinkError: there is one, or was.
        """
        job_id = flink_job_id(name)
        if job_id in self.jobs:
            raise FlinkError(f"job {name} was submitted before")
        self.jobs[job_id] = FlinkJob(job_id, name, "RUNNING", vertices_running=True)

    def free_slots(self) -> int:
        living = [job for job in self.jobs.values() if not job.ended]
        return self.SLOTS - self.SLOTS_OF_A_JOB * len(living)

    def all_slots(self) -> int:
        return self.SLOTS

    def job(self, name: str) -> FlinkJob | None:
        return self.jobs.get(flink_job_id(name))

    def restarted(self, job_id: str) -> bool:
        self._known(job_id)
        return False

    def last_checkpoint(self, job_id: str) -> int:
        self._known(job_id)
        return 0

    def ended_jobs(self) -> list[str]:
        return sorted(job.name for job in self.jobs.values() if job.ended)

    def forget(self, name: str) -> None:
        job = self.job(name)
        if job and job.ended:
            del self.jobs[job.job_id]

    def jobs_named(self, name: str) -> list[str]:
        return [job.job_id for job in self.jobs.values() if job.name == name and not job.ended]

    def running_jobs(self) -> dict[str, str]:
        return {job_id: job.name for job_id, job in self.jobs.items() if not job.ended}

    def failure(self, job_id: str) -> str:
        return "Flink names no cause"

    def read_offsets(self, job_id: str, topic: str) -> dict[int, int]:
        self._known(job_id)
        return {partition: count - 1 for (known, partition), count in self.records.items() if known == topic}

    def stop_with_drain(self, job_id: str, savepoints: str) -> str:
        self._end(job_id, "FINISHED")
        return "request"

    def stop_failure(self, job_id: str, request_id: str) -> str | None:
        self._known(job_id)
        return None

    def cancel(self, job_id: str) -> None:
        self._end(job_id, "CANCELED")

    def _known(self, job_id: str) -> FlinkJob:
        if job_id not in self.jobs:
            raise FlinkError(f"no job {job_id}")
        return self.jobs[job_id]

    def _end(self, job_id: str, state: str) -> None:
        job = self._known(job_id)
        self.jobs[job_id] = FlinkJob(job_id, job.name, state, vertices_running=False)
