"""Is this machine fit for the local platform? Each failure says what is wrong and the one line that mends it.

Runs with the system's Python 3.9 or newer and the standard library only, before any environment exists. As root on Debian
or Ubuntu, missing packages are installed with apt after saying so. The ports are checked by ``platform.py up``, which
has the real settings. Exit code 2: unfit.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from infra.local import exposure, machine
from infra.local.machine import GIB, REPOSITORY

MINIMUM_MEMORY_GIB = 6
# What a kernel and its firmware keep of a virtual machine's memory before they tell how much there is.
KEPT_BY_THE_KERNEL_GIB = 0.4
MINIMUM_DISK_GIB = 12
# Once environments and jars are there, only data and logs still grow.
MINIMUM_DISK_WARM_GIB = 4

# Debian starts a server for every new PostgreSQL package; the platform starts its own, in its own directory.
CREATE_CLUSTER = Path("/etc/postgresql-common/createcluster.d/patternalarm.conf")


@dataclass(frozen=True)
class Check:
    """One requirement: what is there (empty = missing), what to say when it is not, and the packages that bring it."""

    name: str
    found: Callable[[], str]
    wrong: str
    remedy: str
    packages: tuple[str, ...] = ()


def _version(found: machine.Found | None) -> str:
    return found.version if found else ""


def _path_is_plain() -> str:
    return "" if any(character.isspace() for character in str(REPOSITORY)) else str(REPOSITORY)


def _venv_works() -> str:
    return "yes" if importlib.util.find_spec("ensurepip") and importlib.util.find_spec("venv") else ""


def _memory() -> str:
    gib = machine.memory_bytes() / GIB
    return f"{gib:.1f} GiB" if gib >= MINIMUM_MEMORY_GIB - KEPT_BY_THE_KERNEL_GIB else ""


def needed_disk_gib() -> int:
    """Free space asked for: less once the environments are installed."""
    return MINIMUM_DISK_WARM_GIB if (REPOSITORY / ".venvs" / "superset").is_dir() else MINIMUM_DISK_GIB


def _disk() -> str:
    gib = machine.free_disk_bytes(REPOSITORY) / GIB
    return f"{gib:.0f} GiB free" if gib >= needed_disk_gib() else ""


def _host() -> str:
    return os.environ.get(exposure.BIND_SETTING) or exposure.LOOPBACK


def checks() -> list[Check]:
    """Every requirement, in the order in which they are reported."""
    exposed, _, remedy = exposure.why_exposed(_host()).partition(". ")
    jdks = " or ".join(str(major) for major in machine.SUPPORTED_JDKS)
    return [
        Check(
            "operating system",
            lambda: "Linux" if sys.platform == "linux" else "",
            f"the local platform runs on Linux, this is {sys.platform}",
            "run it in a Linux virtual machine or container with 2 cores and 8 GiB",
        ),
        Check(
            "place",
            _path_is_plain,
            f"the path of this clone holds a blank ({REPOSITORY}), which Flink's start scripts cannot stand",
            "move the clone to a path without blanks",
        ),
        Check("host", lambda: "" if exposed else _host(), exposed, remedy),
        Check(
            "JDK",
            lambda: _version(machine.find_jdk()),
            f"no JDK {jdks} with java and javac in JAVA_HOME, on the PATH or under /usr/lib/jvm",
            "sudo apt-get install -y openjdk-17-jdk-headless",
            ("openjdk-17-jdk-headless",),
        ),
        Check(
            "Maven",
            lambda: _version(machine.find_maven()),
            "no Maven (mvn) on the PATH",
            "sudo apt-get install -y maven",
            ("maven",),
        ),
        Check(
            "venv",
            _venv_works,
            f"{sys.executable} cannot make virtual environments (venv and ensurepip are missing)",
            "sudo apt-get install -y python3-venv",
            ("python3-venv",),
        ),
        Check(
            "Python",
            lambda: _version(machine.find_python()),
            "no Python 3.11 on the PATH",
            "python3 -m infra.local.environments uv && .local/uv/bin/uv python install 3.11",
        ),
        Check(
            "PostgreSQL",
            lambda: _version(machine.find_postgres()),
            f"no PostgreSQL {machine.MINIMUM_POSTGRES} or newer with its server programs (postgres, initdb)",
            "sudo apt-get install -y postgresql   (or set PATTERNALARM_POSTGRES_BIN to their directory)",
            ("postgresql",),
        ),
        Check(
            "memory",
            _memory,
            f"less than {MINIMUM_MEMORY_GIB} GiB of memory ({machine.memory_bytes() / GIB:.1f} GiB)",
            "use a machine, or raise the container's limit, to 8 GiB or more",
        ),
        Check(
            "disk",
            _disk,
            f"less than {needed_disk_gib()} GiB free under {REPOSITORY} "
            f"({machine.free_disk_bytes(REPOSITORY) / GIB:.1f} GiB)",
            "free some space there, or move the clone to a larger disk",
        ),
    ]


def install(packages: list[str]) -> None:
    """Install Debian packages, keeping Debian from starting a PostgreSQL server of its own.

    Raises:
        subprocess.CalledProcessError: apt failed; its own output is on the terminal.
    """
    print(f"Installing with apt, as this is Debian or Ubuntu and we are root: {' '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    holds_back = "postgresql" in packages and not CREATE_CLUSTER.exists()
    if holds_back:
        CREATE_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
        CREATE_CLUSTER.write_text("create_main_cluster = false\n")
    try:
        subprocess.run(["apt-get", "update", "-q"], env=environment, check=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], env=environment, check=True
        )
    finally:
        if holds_back:
            CREATE_CLUSTER.unlink(missing_ok=True)


def main() -> int:
    """Check, install what may be installed, check again, report."""
    failed = [check for check in checks() if not check.found()]
    packages = [package for check in failed for package in check.packages]
    if packages and machine.has_apt() and shutil.which("apt-get"):
        try:
            install(packages)
        except subprocess.CalledProcessError as error:
            print(f"apt failed ({error}); the packages can be installed by hand", file=sys.stderr)
        failed = [check for check in checks() if not check.found()]
    if failed:
        print("This machine is not ready for PatternAlarm:", file=sys.stderr)
        for check in failed:
            print(f"  {check.name}: {check.wrong}\n      remedy: {check.remedy}", file=sys.stderr)
        return 2
    found = {check.name: check.found() for check in checks()}
    shown = ("JDK", "Maven", "Python", "PostgreSQL", "memory", "disk")
    print("Machine: " + ", ".join(f"{name} {found[name]}" for name in shown))
    return 0


if __name__ == "__main__":
    sys.exit(main())
