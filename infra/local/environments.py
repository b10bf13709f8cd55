"""The Python environments (one per engine, by uv) and the engines' jars (by Maven), made when their inputs changed.

``python3 -m infra.local.environments [uv | envs | jars | all | GROUP… [--without PACKAGE,…]]``, with the system's Python 3.9
or newer and the standard library only. Environments go to ``.venvs/<group>``, jars to ``.local/jars/<set>``; each keeps a
stamp of what it was made from, and is skipped while that has not changed.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from infra.local import machine
from infra.local.machine import REPOSITORY
from infra.local.progress import Progress, StepError, run_quietly

UV_VERSION = "0.13.9"
UV = REPOSITORY / ".local" / "uv" / "bin" / "uv"
LOGS = REPOSITORY / ".local" / "logs" / "build"
GROUPS = ("services", "api", "dev", "airflow", "flink", "spark", "dbt", "superset")
JAR_SETS = ("kafka", "flink", "spark")
JARS = REPOSITORY / ".local" / "jars"
JAVA_MODULE = REPOSITORY / "flink_jobs" / "java"
JAVA_MODULE_JAR = "patternalarm-flink.jar"
STAMP = ".made-from"
WHOLES = ("uv", "envs", "jars", "all")


def digest(files: Iterable[Path]) -> str:
    """SHA-256 over names and bytes of ``files``, in the order of their names."""
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(str(file.relative_to(REPOSITORY)).encode() + b"\0" + file.read_bytes() + b"\0")
    return total.hexdigest()


def is_made_from(directory: Path, fingerprint: str) -> bool:
    """Whether ``directory`` was made from inputs with this fingerprint."""
    stamp = directory / STAMP
    return stamp.is_file() and stamp.read_text() == fingerprint


def stamp(directory: Path, fingerprint: str) -> None:
    """Note what ``directory`` was made from."""
    (directory / STAMP).write_text(fingerprint)


def make_uv(progress: Progress) -> None:
    """uv itself, in a virtual environment of its own."""
    if UV.is_file() and UV_VERSION in machine.output_of(UV, "--version"):
        return
    home = UV.parent.parent
    with progress.step(f"uv {UV_VERSION}"):
        run_quietly("making a virtual environment for uv", [sys.executable, "-m", "venv", home], LOGS / "uv.log")
        run_quietly("installing uv", [home / "bin" / "pip", "install", "--quiet", f"uv=={UV_VERSION}"], LOGS / "uv.log")


def make_environments(progress: Progress, groups: Sequence[str] = (), without: Sequence[str] = ()) -> None:
    """``.venvs/<group>`` for every group, or for ``groups`` alone, from the lock file, ``without`` some of its packages."""
    fingerprint = digest([REPOSITORY / "uv.lock", REPOSITORY / "pyproject.toml"])
    left_out = [part for name in without for part in ("--no-install-package", name)]
    skipped = []
    for group in groups or GROUPS:
        environment = REPOSITORY / ".venvs" / group
        if is_made_from(environment, fingerprint):
            skipped.append(group)
            continue
        with progress.step(f"environment {group}"):
            run_quietly(
                f"uv sync for {group}",
                [UV, "sync", "--frozen", "--group", group, *left_out],
                LOGS / f"uv-{group}.log",
                env={
                    **{name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"},
                    "UV_PROJECT_ENVIRONMENT": f".venvs/{group}",
                },
                cwd=REPOSITORY,
            )
            stamp(environment, fingerprint)
    if skipped:
        progress.say(f"environments unchanged, skipped: {', '.join(skipped)}")


def _maven(name: str, pom: Path, *goals: str) -> None:
    jdk = machine.find_jdk()
    if jdk is None:
        raise StepError("no JDK 17 or 21 found; run: python3 -m infra.local.doctor")
    run_quietly(
        f"Maven ({name})",
        ["mvn", "-q", "-B", "-ntp", "-f", pom, *goals],
        LOGS / f"maven-{name}.log",
        env={**os.environ, "JAVA_HOME": str(jdk.path)},
        cwd=REPOSITORY,
    )


def make_jars(progress: Progress) -> None:
    """``.local/jars/<set>`` for Kafka, Flink and Spark."""
    skipped = []
    for name in JAR_SETS:
        pom = REPOSITORY / "infra" / "local" / "jars" / name / "pom.xml"
        directory = JARS / name
        fingerprint = digest([pom])
        if is_made_from(directory, fingerprint):
            skipped.append(name)
            continue
        with progress.step(f"jars of {name}"):
            fresh = JARS / f".{name}.new"
            shutil.rmtree(fresh, ignore_errors=True)
            _maven(name, pom, "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}")
            stamp(fresh, fingerprint)
            for own in directory.glob(JAVA_MODULE_JAR):
                shutil.copy2(own, fresh)
            shutil.rmtree(directory, ignore_errors=True)
            fresh.rename(directory)
    if skipped:
        progress.say(f"jars unchanged, skipped: {', '.join(skipped)}")


def make_java_module(progress: Progress) -> None:
    """The Java functions of the Flink job, built and put beside Flink's other jars."""
    inputs = [JAVA_MODULE / "pom.xml", *(file for file in (JAVA_MODULE / "src").rglob("*") if file.is_file())]
    fingerprint = digest(inputs)
    marker = JARS / "flink" / (JAVA_MODULE_JAR + STAMP)
    if marker.is_file() and marker.read_text() == fingerprint and (JARS / "flink" / JAVA_MODULE_JAR).is_file():
        progress.say("Java module unchanged, skipped")
        return
    with progress.step("Java module of the Flink job"):
        _maven("java-module", JAVA_MODULE / "pom.xml", "package", "-DskipTests")
        shutil.copy2(JAVA_MODULE / "target" / JAVA_MODULE_JAR, JARS / "flink" / JAVA_MODULE_JAR)
        marker.write_text(fingerprint)


@contextmanager
def one_at_a_time(progress: Progress) -> Iterator[None]:
    """Wait for another one that makes environments in this clone: both would write the same files."""
    path = REPOSITORY / ".local" / "environments.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("another make installs in this clone")
            with progress.step("waiting for it"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def make(what: str, progress: Progress) -> None:
    """Make ``uv``, ``envs``, ``jars`` or ``all`` of them.

    Raises:
        StepError, OSError: a step failed.
    """
    if what != "jars":
        make_uv(progress)
    with ThreadPoolExecutor(2) as pool:
        works = []
        if what in ("envs", "all"):
            works.append(pool.submit(make_environments, progress))
        if what in ("jars", "all"):
            works.append(pool.submit(make_jars, progress))
        for work in works:
            work.result()
    if what in ("jars", "all"):
        make_java_module(progress)


def main(arguments: list[str]) -> int:
    """Make what was asked for; exit code 1 when a step fails, 2 for an unknown argument."""
    parser = argparse.ArgumentParser(prog="infra.local.environments", description=__doc__)
    parser.add_argument("what", nargs="*", help=f"one of {', '.join(WHOLES)}, or groups: {', '.join(GROUPS)}")
    parser.add_argument("--without", default="", help="packages that are left out of the named groups")
    given = parser.parse_args(arguments)
    what, without = given.what or ["all"], [name for name in given.without.split(",") if name]
    groups = what if set(what) <= set(GROUPS) else []
    if not groups and (len(what) > 1 or what[0] not in WHOLES or without):
        parser.print_usage(sys.stderr)
        return 2
    with Progress() as progress:
        try:
            with one_at_a_time(progress):
                if groups:
                    make_environments(progress, groups, without)
                else:
                    make(what[0], progress)
        except (StepError, OSError) as error:
            print(error, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
