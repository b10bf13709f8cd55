"""Processes under the local supervisor."""

import os
import re
import shlex
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import Signals
from typing import Any, Final

import psutil

from patternalarm.contracts.exit_codes import VERDICT_EXIT_CODES
from patternalarm.engines.job_spec import JobSpec
from patternalarm.engines.local.rendering import command_of
from patternalarm.engines.local.supervisor import STOP_WAIT_SECONDS, Supervisor, SupervisorError
from patternalarm.engines.process_state import ProcessState
from patternalarm.remedies import PREPARE
from patternalarm.settings import REPOSITORY, Settings, SupervisorService, get_settings

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

_LOG_TAIL_BYTES: Final = 65_536
_FORKED_SECONDS: Final = 10

_BAD_NAME: Final = 10
_NO_FILE: Final = 20
_NOT_EXECUTABLE: Final = 21
_ALREADY_STARTED: Final = 60
_NOT_RUNNING: Final = 70
_ALREADY_ADDED: Final = 90


class SupervisedProcesses:
    """Starts, watches and stops processes as supervisor programs, one configuration file per process: port ``Processes``.

    Args:
        settings: where the supervisor listens and where its files are; those of the environment by default.
        service: which of the platform's supervisors it is.
    """

    def __init__(self, settings: Settings | None = None, service: SupervisorService = "supervisor") -> None:
        self.settings = settings or get_settings()
        self._supervisor = Supervisor(self.settings, service)
        self._files = self.settings.supervisor_dir(service)
        # Who is told where the supervisor is, may be in another container, where its process ids are others'.
        self._sees_processes = not getattr(self.settings, f"{service}_address")

    def start(self, job: JobSpec) -> None:
        """See ``Processes``."""
        ready_file = self._ready_file(job.name)
        command = command_of(job, self.settings, ready_file)
        ready_file.parent.mkdir(parents=True, exist_ok=True)
        self.start_process(job.name, command, restarts=job.restarts)

    def start_process(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | str = REPOSITORY,
        restarts: bool = False,
    ) -> None:
        """Start ``command`` as program ``name``, in place of an earlier program of that name.

        Args:
            name: letters, digits, ``.``, ``_`` and ``-``.
            command: program and arguments; no shell looks at them.
            env: variables on top of the supervisor's own; no secrets, they are written to a file.
            cwd: working directory.
            restarts: start it again after a signal or an exit code that is no verdict of its own. Such a process is
                stopped by a signal to it alone; of any other, the children are signalled too.

        Raises:
            SupervisorError: it cannot be started, or the supervisor cannot be reached.
            ValueError: a name or argument that cannot be written down.
        """
        text = self._configuration(name, command, env or {}, Path(cwd), restarts)
        self.remove(name)
        # A log of an earlier program of this name would be taken for this one's.
        self.log_file(name).unlink(missing_ok=True)
        self.log_file(name).parent.mkdir(parents=True, exist_ok=True)
        target = self._configuration_file(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        # The supervisor reads every *.conf, so a half-written file must never bear that name.
        draft = target.with_suffix(".draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
        self._call("reloadConfig")
        try:
            self._call("addProcessGroup", name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != _ALREADY_ADDED:
                raise self._refusal(f"cannot add {name}", fault) from fault
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == _ALREADY_STARTED:
                return
            cause = {_NO_FILE: f"there is no {command[0]}", _NOT_EXECUTABLE: f"{command[0]} cannot be executed"}
            reason = cause.get(fault.faultCode, fault.faultString)
            raise SupervisorError(f"cannot start {name}: {reason}; {PREPARE}") from fault

    def state(self, name: str) -> ProcessState | None:
        """State of program ``name``; None when the supervisor does not know it.

        Raises:
            SupervisorError: the supervisor cannot be reached.
        """
        try:
            info = self._call("getProcessInfo", f"{name}:{name}")
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == _BAD_NAME:
                return None
            raise self._refusal(f"cannot ask about {name}", fault) from fault
        return self._state_of(info)

    def names(self, prefix: str) -> list[str]:
        """Names of the known programs that start with ``prefix``, sorted.

        Raises:
            SupervisorError: the supervisor cannot be reached.
        """
        running = {str(info["group"]) for info in self._call("getAllProcessInfo")}
        written = {path.stem for path in self._directory.glob("*.conf")}
        return sorted(name for name in running | written if name.startswith(prefix))

    def is_ready(self, name: str) -> bool:
        """See ``Processes``."""
        file, state = self._ready_file(name), self.state(name)
        # A process that was started again has not removed the file of its former life yet.
        return state is not None and file.exists() and file.stat().st_mtime >= state.started_at

    def signal(self, name: str, number: Signals) -> None:
        """See ``Processes``.

        Raises:
            SupervisorError: the supervisor cannot be reached, or has no such process.
        """
        self._await_program(name)
        try:
            self._call("signalProcess", f"{name}:{name}", str(int(number)))
        except xmlrpc.client.Fault as fault:
            raise self._refusal(f"cannot signal {name}", fault) from fault

    def stop(self, name: str) -> ProcessState | None:
        """Send SIGTERM, wait until it ended (SIGKILL after 30 s), and tell how it did; None when it is unknown.

        Raises:
            SupervisorError: the supervisor cannot be reached.
        """
        self._await_program(name)
        try:
            self._call("stopProcess", f"{name}:{name}", True)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode == _BAD_NAME:
                return None
            if fault.faultCode != _NOT_RUNNING:
                raise self._refusal(f"cannot stop {name}", fault) from fault
        return self.state(name)

    def _await_program(self, name: str) -> None:
        """Return when a process that was just started is its program, and no longer the supervisor's own fork.

        The fork has the supervisor's handlers until it executes the program, and loses a signal: of eight processes that
        were stopped at once on a busy machine, three ended by SIGKILL 30 s later.
        """
        state = self.state(name) if self._sees_processes else None
        patience_ends = time.monotonic() + _FORKED_SECONDS
        while state is not None and _is_fork(state.pid) and time.monotonic() < patience_ends:
            time.sleep(0.01)

    def remove(self, name: str) -> None:
        """Stop program ``name`` and forget it; nothing happens when it is unknown. Its log stays.

        Raises:
            SupervisorError: the supervisor cannot be reached, or the program does not end.
        """
        # Without its file first, or the supervisor would take the program up again when it is reloaded.
        self._configuration_file(name).unlink(missing_ok=True)
        stopped = self.stop(name)
        self._ready_file(name).unlink(missing_ok=True)
        if stopped is None:
            return
        try:
            self._call("removeProcessGroup", name)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != _BAD_NAME:
                raise self._refusal(f"cannot remove {name}", fault) from fault

    def tail_log(self, name: str, lines: int = 200) -> list[str]:
        """The last ``lines`` lines that the process wrote, oldest first; empty when there are none."""
        path = self.log_file(name)
        if not path.is_file():
            return []
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
            return stream.read().decode("utf-8", errors="replace").splitlines()[-lines:]

    def log_file(self, name: str) -> Path:
        """Where the output of program ``name`` goes."""
        return self.settings.logs_dir / "jobs" / f"{_checked(name)}.log"

    @property
    def _directory(self) -> Path:
        return self._files / "run.d"

    def _configuration_file(self, name: str) -> Path:
        return self._directory / f"{_checked(name)}.conf"

    def _ready_file(self, name: str) -> Path:
        return self._files / "ready" / _checked(name)

    def _configuration(
        self, name: str, command: Sequence[str], env: Mapping[str, str], cwd: Path, restarts: bool
    ) -> str:
        # Ports and paths that this process was given must reach its children too; secrets come from their file.
        inherited = {
            key: value
            for key, value in os.environ.items()
            if key.startswith("PATTERNALARM_") and not key.endswith("_PASSWORD")
        }
        variables = {**inherited, "PATTERNALARM_HOME": str(self.settings.home), "PYTHONUNBUFFERED": "1", **env}
        entries = {
            "command": shlex.join(command),
            "directory": str(cwd),
            "environment": ",".join(f'{key}="{_quotable(key, value)}"' for key, value in sorted(variables.items())),
            # A supervisor that was killed with all that it ran, as a container is, takes it up again.
            "autostart": "true" if restarts else "false",
            "autorestart": "unexpected" if restarts else "false",
            "exitcodes": ",".join(str(code) for code in VERDICT_EXIT_CODES),
            # A job that is done within a second is done, not "exited too quickly".
            "startsecs": "0",
            "startretries": "3",
            "stopsignal": "TERM",
            "stopwaitsecs": str(STOP_WAIT_SECONDS),
            # A long-running job stops its children in order: a scorer whose JVM got the signal too could only fail.
            "stopasgroup": "false" if restarts else "true",
            "killasgroup": "true",
            "stdout_logfile": str(self.log_file(name)),
            "stdout_logfile_maxbytes": "20MB",
            "stdout_logfile_backups": "2",
            "redirect_stderr": "true",
        }
        lines = [f"{key}={_writable(key, value)}" for key, value in entries.items()]
        return "\n".join([f"[program:{_checked(name)}]", *lines, ""])

    def _state_of(self, info: Mapping[str, Any]) -> ProcessState:
        name = str(info["group"])
        state = str(info["statename"])
        file = self._configuration_file(name)
        restarts = file.is_file() and "autorestart=unexpected" in file.read_text(encoding="utf-8")
        ended = state in ("EXITED", "STOPPED") and bool(info["start"])
        exit_code = int(info["exitstatus"]) if ended else None
        return ProcessState(
            name=name,
            state=state,
            pid=int(info["pid"]),
            exit_code=exit_code,
            started_at=int(info["start"]),
            restarts=restarts,
            signal=self._signal_that_ended(name) if state == "EXITED" and exit_code == -1 else "",
            suspended=self._sees_processes and _is_suspended(int(info["pid"])),
        )

    def _signal_that_ended(self, name: str) -> str:
        # Of a signal, the supervisor tells its own log alone.
        try:
            log = str(self._call("readLog", -_LOG_TAIL_BYTES, 0))
        except xmlrpc.client.Fault:
            return ""
        signals = re.findall(rf"exited: {re.escape(name)} \(terminated by (SIG\w+)", log)
        return signals[-1] if signals else ""

    def _call(self, method: str, *arguments: Any) -> Any:
        return self._supervisor.call(method, *arguments)

    @staticmethod
    def _refusal(what: str, fault: xmlrpc.client.Fault) -> SupervisorError:
        return SupervisorError(f"{what}: the supervisor says {fault.faultString!r}")


def _is_suspended(pid: int) -> bool:
    try:
        return pid > 0 and psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def _is_fork(pid: int) -> bool:
    try:
        process = psutil.Process(pid) if pid > 0 else None
        parent = process.parent() if process else None
        return process is not None and parent is not None and process.cmdline() == parent.cmdline()
    except psutil.Error:
        return False


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"process name {name!r}: use letters, digits, '.', '_' and '-'")
    return name


def _writable(key: str, value: str) -> str:
    if "\n" in value or "\r" in value or re.search(r"\s[;#]", value):
        raise ValueError(f"{key} {value!r} holds a line break, ' ;' or ' #', which a supervisor file cannot hold")
    return value.replace("%", "%%")


def _quotable(key: str, value: str) -> str:
    if '"' in value or "'" in value:
        raise ValueError(f"variable {key} holds a quotation mark, which a supervisor file cannot hold")
    return value
