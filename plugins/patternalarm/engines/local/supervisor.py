"""The supervisor's XML-RPC interface: the one client of it."""

import http.client
import xmlrpc.client
from typing import Any, Final
from urllib.parse import quote

from patternalarm.engines.errors import ProcessesError
from patternalarm.passing_errors import passes_by_itself, was_not_heard
from patternalarm.remedies import RESTART_PLATFORM, START_PLATFORM
from patternalarm.retrying import asking_once, retrying
from patternalarm.settings import Settings, SupervisorService

SUPERVISOR_USER: Final = "patternalarm"

STOP_WAIT_SECONDS: Final = 30
# Longer than the supervisor takes to kill what does not stop, or a slow stop would look like a dead supervisor.
_RPC_TIMEOUT_SECONDS: Final = STOP_WAIT_SECONDS + 15

# What may have been done though the answer was lost; everything else may be asked for twice.
_ONCE: Final = frozenset({"startProcess", "shutdown", "signalProcess"})


class SupervisorError(ProcessesError):
    """The supervisor cannot be reached or refuses; the message says why and what to do."""


class _Transport(xmlrpc.client.Transport):
    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = super().make_connection(host)
        connection.timeout = _RPC_TIMEOUT_SECONDS
        return connection


class Supervisor:
    """A supervisor that is asked patiently. Safe to use from several threads.

    Args:
        settings: where the supervisor listens, and its password.
        service: which of the platform's supervisors it is.
    """

    def __init__(self, settings: Settings, service: SupervisorService = "supervisor") -> None:
        self.settings, self.service = settings, service

    def call(self, method: str, *arguments: Any) -> Any:
        """What ``supervisor.<method>`` answers.

        Raises:
            SupervisorError: the supervisor cannot be reached, or refuses our password.
            xmlrpc.client.Fault: the supervisor does not do it.
        """
        settings = self.settings
        place = settings.address(self.service)
        login = f"{SUPERVISOR_USER}:{quote(settings.supervisor_password, safe='')}"

        def ask() -> Any:
            # A proxy keeps one connection, which threads cannot share.
            with xmlrpc.client.ServerProxy(f"http://{login}@{place}/RPC2", transport=_Transport()) as proxy:
                return getattr(proxy.supervisor, method)(*arguments)

        passes = was_not_heard if method in _ONCE else passes_by_itself
        try:
            return retrying(f"{method} of the supervisor", settings.patience_seconds, passes=passes)(ask)
        except xmlrpc.client.ProtocolError as error:
            if error.errcode == http.client.UNAUTHORIZED:
                raise SupervisorError(
                    f"the supervisor at {place} refuses the password in {settings.home / 'secrets.env'}: "
                    f"{RESTART_PLATFORM}"
                ) from error
            raise SupervisorError(f"the supervisor at {place} answers {error.errcode} {error.errmsg}") from error
        except (OSError, http.client.HTTPException) as error:
            raise SupervisorError(f"the supervisor does not answer at {place} ({error}): {START_PLATFORM}") from error

    def identifies_as(self, name: str) -> bool:
        """Whether a supervisor of this name answers now; another program on its port does not count."""
        try:
            with asking_once():
                return bool(self.call("getIdentification") == name)
        except (SupervisorError, xmlrpc.client.Error):
            return False
