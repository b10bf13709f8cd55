"""Known vulnerabilities of every locked package: ``python -m infra.local.audit``, by pip-audit and PyPI's advisories.

Exit code 0 when nothing is known against any of them, 1 when something is, or when the advisories cannot be asked: a package
that could not be looked up is not one without findings.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from infra.local.environments import GROUPS, UV
from infra.local.machine import REPOSITORY

PIP_AUDIT = "pip-audit==2.10.1"


@dataclass(frozen=True)
class Findings:
    """What is known: packages that were looked up, those that could not be, and a line for each vulnerability."""

    looked_up: int
    unknown: int
    lines: tuple[str, ...]


def findings_in(report: str) -> Findings:
    """What pip-audit's JSON report says."""
    packages = json.loads(report)["dependencies"]
    unknown = [package for package in packages if "skip_reason" in package]
    lines = [
        f"{package['name']} {package['version']}: {found['id']}, mended in {', '.join(found['fix_versions']) or 'none yet'}"
        for package in packages
        for found in package.get("vulns", [])
    ]
    return Findings(len(packages) - len(unknown), len(unknown), tuple(lines))


def _run(*command: str, given: str = "") -> str:
    done = subprocess.run(command, cwd=REPOSITORY, input=given, capture_output=True, text=True, check=False)
    # pip-audit ends with 1 when it has found something, and tells it all the same.
    if not done.stdout.strip():
        raise OSError(
            f"{command[0]}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'said nothing'}"
        )
    return done.stdout


def audited(group: str, run: Callable[..., str] = _run) -> Findings:
    """What is known against the packages of a group."""
    exported = run(str(UV), "export", "--frozen", "--quiet", "--only-group", group, "--no-hashes", "--no-emit-project")
    wanted = (
        "--requirement",
        "/dev/stdin",
        "--no-deps",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    )
    return findings_in(run(str(UV), "tool", "run", "--quiet", PIP_AUDIT, *wanted, given=exported))


def main() -> int:
    """Look at every group."""
    bad = 0
    for group in GROUPS:
        try:
            found = audited(group)
        except (OSError, ValueError, KeyError) as error:
            sys.stderr.write(f"{group}: could not be audited: {error}\n")
            bad += 1
            continue
        sys.stdout.write(f"{group}: {found.looked_up} packages looked up, {len(found.lines)} vulnerabilities\n")
        sys.stdout.writelines(f"  {line}\n" for line in found.lines)
        if found.unknown:
            sys.stdout.write(
                f"  {found.unknown} could not be looked up: PyPI's advisories are not reachable from here, or do not know them\n"
            )
        bad += len(found.lines) + found.unknown
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
