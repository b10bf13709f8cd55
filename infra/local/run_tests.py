"""Every check and test suite, one after another, each in its own environment; the last line counts them all.

``python -m infra.local.run_tests [lint | SUITE…]`` in the dev environment. A suite whose directory holds no tests is left
out; a suite that ends without a result counts as one failure. Exit code 1 when anything failed. The suites ``fuzz`` and
``leftovers``, the long runs of tests that ``integration`` and ``e2e`` run shortly, and ``containers``, which needs Docker, are
run by name only.
"""

import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from infra.local import machine
from infra.local.configuration import read_env_file
from infra.local.machine import REPOSITORY

from patternalarm.argument_parser import ArgumentParser

VENVS = REPOSITORY / ".venvs"
RESULTS = REPOSITORY / ".local" / "test-results"
NO_TESTS_COLLECTED = 5
# Side by side run only suites whose tests share no engine; more than these, and their time-outs would begin to count.
CORES = min(4, os.cpu_count() or 1)

PLATFORM = [sys.executable, "-m", "infra.local.platform"]

# The suites with a platform start their own, beside one that may be up already. Its ports lie below those that Linux
# gives to outgoing connections (from 32768 on), or any client of the other platform could hold one of them.
TEST_PLATFORM = {
    "PATTERNALARM_HOME": str(REPOSITORY / ".local" / "test"),
    "PATTERNALARM_KAFKA_PORT": "29092",
    "PATTERNALARM_KAFKA_CONTROLLER_PORT": "29093",
    "PATTERNALARM_POSTGRES_PORT": "25432",
    "PATTERNALARM_REDIS_PORT": "26379",
    "PATTERNALARM_FLINK_REST_PORT": "28081",
    "PATTERNALARM_FLINK_RPC_PORT": "28082",
    "PATTERNALARM_ZOOKEEPER_PORT": "22181",
    "PATTERNALARM_AIRFLOW_PORT": "28080",
    "PATTERNALARM_API_PORT": "28000",
    "PATTERNALARM_SUPERSET_PORT": "28088",
    "PATTERNALARM_SUPERVISOR_PORT": "29001",
}


@dataclass(frozen=True)
class Counts:
    """Tests that passed, failed (errors included) and were skipped."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


@dataclass(frozen=True)
class Suite:
    """Something to run and count: a command, whether there is anything to run, and where it reports its tests.

    Its ``environment`` comes on top of ours. With ``needs_stores``, Kafka, PostgreSQL and Redis of the test platform are
    up. One ``by_name_only`` is not among all.
    """

    name: str
    command: list[str]
    exists: Callable[[], bool] = lambda: True
    junit: Callable[[], list[Path]] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    needs_stores: bool = False
    by_name_only: bool = False


def counts_of(reports: list[Path]) -> Counts:
    """Counts in JUnit XML files, as pytest and Maven's surefire write them.

    Raises:
        ElementTree.ParseError: a file is cut short.
    """
    total = Counts()
    for report in reports:
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):  # noqa: S314 - written by our own run
            tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
            failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            total += Counts(tests - skipped - failed, failed, skipped)
    return total


def judge(suite: Suite, exit_code: int) -> Counts:
    """What a finished suite counts for: its reports, and one failure if it ended badly without reporting one."""
    if suite.junit is None:
        return Counts(passed=1) if exit_code == 0 else Counts(failed=1)
    try:
        counts = counts_of(suite.junit())
    except ElementTree.ParseError:
        return Counts(failed=1)
    if exit_code == NO_TESTS_COLLECTED and counts == Counts():
        return counts
    if (exit_code != 0 or counts == Counts()) and counts.failed == 0:
        return counts + Counts(failed=1)
    return counts


def _has_tests(*directories: str) -> Callable[[], bool]:
    return lambda: any(any((REPOSITORY / directory).rglob("test_*.py")) for directory in directories)


def _pytest(
    name: str, environment: str, *directories: str, platform: bool = False, stores: bool = False, workers: int = 1
) -> Suite:
    report = RESULTS / f"{name}.xml"
    there = [directory for directory in directories if _has_tests(directory)()]
    side_by_side = ["--numprocesses", str(workers)] if workers > 1 else []
    command = [
        str(VENVS / environment / "bin/python"),
        "-m",
        "pytest",
        "-q",
        f"--junitxml={report}",
        *side_by_side,
        *there,
    ]
    return Suite(
        name,
        command,
        exists=_has_tests(*directories),
        junit=lambda: [report] if report.is_file() else [],
        environment=TEST_PLATFORM if platform else {},
        needs_stores=stores,
    )


def suites() -> list[Suite]:
    """All suites: the quick ones first, those with engines last."""
    dev = str(VENVS / "dev/bin")
    java = REPOSITORY / "flink_jobs" / "java"
    return [
        Suite("ruff check", [f"{dev}/ruff", "check", "."]),
        Suite("ruff format", [f"{dev}/ruff", "format", "--check", "."]),
        Suite("mypy", [f"{dev}/mypy"]),
        _pytest("unit", "dev", "tests/unit", "tests/contracts", workers=CORES),
        _pytest(
            "dags",
            "airflow",
            "tests/dags",
            *(f"tests/unit/{room}" for room in ("hooks", "operators", "runs", "triggers")),
            workers=CORES,
        ),
        _pytest("engines", "dev", "tests/engines"),
        _pytest("superset", "dev", "tests/superset"),
        _pytest("dbt", "dev", "tests/dbt"),
        Suite(
            "java",
            ["mvn", "-q", "-B", "-ntp", "-f", str(java / "pom.xml"), "test"],
            exists=lambda: (java / "src" / "test").is_dir(),
            junit=lambda: sorted((java / "target" / "surefire-reports").glob("TEST-*.xml")),
        ),
        _pytest("flink_jobs", "flink", "tests/flink_jobs"),
        _pytest("spark_jobs", "spark", "tests/spark_jobs"),
        _pytest("integration", "dev", "tests/integration", platform=True, stores=True),
        _pytest("e2e", "dev", "tests/e2e", platform=True),
        # By its environment, `make faults` makes it long.
        _pytest("faults", "dev", "tests/faults", platform=True),
        replace(_pytest("leftovers", "dev", "tests/leftovers", platform=True), by_name_only=True),
        # It needs Docker, and builds with it for minutes.
        Suite("containers", [f"{dev}/python", "-m", "pytest", "-q", "-s", "tests/containers"], by_name_only=True),
        Suite(
            "fuzz",
            [f"{dev}/python", "-m", "pytest", "-q", "-s", *FUZZ_TESTS],
            environment={**TEST_PLATFORM, FUZZ_EXAMPLES: os.environ.get(FUZZ_EXAMPLES, "2000")},
            needs_stores=True,
            by_name_only=True,
        ),
    ]


FUZZ_EXAMPLES = "FUZZ_EXAMPLES"
FUZZ_TESTS = ("tests/integration/alerts/test_fuzz.py", "tests/integration/spark/test_archive_fuzz.py")
LINT = ("ruff check", "ruff format", "mypy")


def _plain_environment() -> dict[str, str]:
    """Ours without the settings of another platform, and with the JDK that the platform would use."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PATTERNALARM_")}
    jdk = machine.find_jdk()
    if jdk:
        plain |= {"JAVA_HOME": str(jdk.path), "PATH": f"{jdk.path}/bin{os.pathsep}{plain.get('PATH', '')}"}
    return plain


def _superuser_dsn() -> str:
    password = read_env_file(Path(TEST_PLATFORM["PATTERNALARM_HOME"]) / "secrets.env")[
        "PATTERNALARM_SUPERUSER_PASSWORD"
    ]
    port = TEST_PLATFORM["PATTERNALARM_POSTGRES_PORT"]
    return f"host=127.0.0.1 port={port} user=postgres password={password} dbname=postgres"


def run(suite: Suite) -> Counts:
    """Run one suite, with its output on the terminal, and count it."""
    for report in suite.junit() if suite.junit else []:
        report.unlink()
    sys.stdout.write(f"\n== {suite.name}\n")
    sys.stdout.flush()
    began = time.monotonic()
    environment = {**_plain_environment(), **suite.environment}
    counts = Counts()
    try:
        if suite.needs_stores:
            subprocess.run([*PLATFORM, "up", "--stores"], cwd=REPOSITORY, env=environment, check=True)
            environment["PATTERNALARM_TEST_SUPERUSER_DSN"] = _superuser_dsn()
        counts = judge(suite, subprocess.run(suite.command, cwd=REPOSITORY, env=environment, check=False).returncode)
    except subprocess.CalledProcessError as error:
        sys.stdout.write(f"{error}\n")
        counts = Counts(failed=1)
    finally:
        if suite.environment.items() >= TEST_PLATFORM.items():
            down = subprocess.run([*PLATFORM, "down"], cwd=REPOSITORY, env=environment, check=False)
            counts += Counts(failed=1 if down.returncode else 0)
    sys.stdout.write(f"-- {suite.name}: {counts} in {time.monotonic() - began:.0f} s\n")
    return counts


def main(argv: list[str] | None = None) -> int:
    """Run all suites, or the named ones."""
    known = {suite.name.replace(" ", "-"): suite for suite in suites()}
    parser = ArgumentParser(prog="infra.local.run_tests", description=__doc__)
    parser.add_argument("suites", metavar="suite", nargs="*", choices=[*known, "lint", []], help="default: all")
    names = parser.parse_args(argv).suites
    if "lint" in names:
        names = [*(name for name in names if name != "lint"), *(name.replace(" ", "-") for name in LINT)]
    RESULTS.mkdir(parents=True, exist_ok=True)
    # Whoever ends us early must not leave a platform behind: as an exception, the signal passes through `run`.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    total, failed, left_out = Counts(), [], []
    for name, suite in known.items():
        if name not in names and (names or suite.by_name_only):
            continue
        if not suite.exists():
            left_out.append(name)
            continue
        counts = run(suite)
        total += counts
        if counts.failed:
            failed.append(name)
    if left_out:
        sys.stdout.write(f"\nno tests there yet: {', '.join(left_out)}\n")
    if not any((REPOSITORY / "infra" / "terraform").rglob("*.tf")):
        sys.stdout.write("no Terraform yet, its checks are left out\n")
    if failed:
        sys.stdout.write(f"failed: {', '.join(failed)}\n")
    sys.stdout.write(f"\n{total}\n")
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
