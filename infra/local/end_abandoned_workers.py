"""End the workers of a scheduler that was killed: ``python -m infra.local.end_abandoned_workers``, before the next one.

A killed scheduler cannot stop its LocalExecutor's workers, and an idle one waits for work from it for ever. One that is at a
task may finish it. Ends when there are none left.
"""

import os
import sys
import time
from pathlib import Path
from typing import Final

import psutil
from infra.local import processes
from infra.local.configuration import SUPERVISED_MARK

# As Airflow's LocalExecutor calls its processes.
WORKER: Final = "airflow worker -- LocalExecutor:"
IDLE: Final = f"{WORKER} <idle>"
_GRACE_SECONDS: Final = 5
_LOOK_SECONDS: Final = 2


def abandoned_workers(home: Path) -> list[processes.Process]:
    """Workers of the platform of ``home`` whose scheduler is gone."""
    ours = processes.supervised(home)
    pids = {process.pid for process in ours}
    return [process for process in ours if process.command.startswith(WORKER) and _parent(process.pid) not in pids]


def _parent(pid: int) -> int:
    try:
        return psutil.Process(pid).ppid()
    except psutil.Error:
        # It is gone, so nobody has left it.
        return pid


def main() -> int:
    """Command line; see the module's docstring."""
    home = Path(os.environ[SUPERVISED_MARK])
    while found := abandoned_workers(home):
        processes.end([process for process in found if process.command.startswith(IDLE)], _GRACE_SECONDS)
        time.sleep(_LOOK_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
