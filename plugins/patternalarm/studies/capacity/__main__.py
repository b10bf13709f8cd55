"""Measure and write up the capacity study: ``python -m patternalarm.studies.capacity``.

Puts the running platform's Kafka and Flink, with a Flink job and a scorer of the study's own, under CPU quotas, and finds for
each the highest rate of events that they hold. Takes about half an hour, in which nothing else should run. Needs the right to
write control groups. Exit codes: 0 measured and written, 1 begun and not finished, 2 it cannot be made as asked.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import load_pack
from patternalarm.models.verify import verify_model
from patternalarm.settings import Settings, get_settings
from patternalarm.studies.capacity.cpu_quota import CpuQuota
from patternalarm.studies.capacity.measure import LAG_GROWTH_ALLOWED, Plan, measure_points
from patternalarm.studies.capacity.report import document, plots
from patternalarm.studies.capacity.result import CapacityResult, evaluate
from patternalarm.studies.command import run_study
from patternalarm.studies.errors import StudyInputError
from patternalarm.studies.machine import this_machine
from patternalarm.studies.model import model_directory
from patternalarm.studies.publication import README_FILE, documents_of, publish
from patternalarm.studies.scope import study_scope

STUDY: Final = "capacity"
# Of one name, so that what a study that was killed left under its quota is freed by the next.
QUOTA_GROUP: Final = "patternalarm-study"


def quotas_argument(text: str) -> list[float]:
    """Type of an argument: three or more CPU quotas, like ``0.5,1,1.5``."""
    try:
        quotas = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: write cores with commas, like 0.5,1,1.5") from error
    if len(set(quotas)) < 3 or min(quotas) <= 0:
        raise argparse.ArgumentTypeError(f"{text!r}: the law has three parameters, give three positive quotas or more")
    return quotas


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = ArgumentParser(prog="patternalarm.studies.capacity", description=__doc__)
    parser.add_argument("--domain", default="payments", help="name or folder of a domain pack")
    parser.add_argument("--model", default="", help="model directory; default: the promoted one")
    parser.add_argument(
        "--quotas", type=quotas_argument, default=[0.5, 1.0, 1.5], help="cores, of which the law is fitted"
    )
    parser.add_argument("--hold-out", type=float, default=2.0, help="cores, on which the law is tried")
    parser.add_argument("--seconds", type=float, default=45.0, help="how long each rate is sent")
    parser.add_argument("--tries", type=int, default=6, help="rates that are tried for each quota")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--output", type=Path, default=documents_of(STUDY), help="directory of the write-up")
    place.add_argument("--among-reports", action="store_true", help="write it up among the platform's reports instead")
    return parser.parse_args(argv)


def measure(options: argparse.Namespace, settings: Settings) -> CapacityResult:
    """Every quota, one after the other.

    Raises:
        StudyInputError: the platform is not up, holds no model, or no quota can be set.
        StudyError: a part of the study failed.
    """
    cores, most = os.cpu_count() or 1, max(*options.quotas, options.hold_out)
    if most > cores:
        raise StudyInputError(
            f"this machine has {cores} cores, {most:g} cannot be had: ask for less with --quotas, --hold-out"
        )
    pack = load_pack(options.domain)
    directory = model_directory(settings, pack, options.model)
    metadata = verify_model(directory, pack)
    measured_at, machine = datetime.now(UTC), this_machine()
    plan = Plan(options.seconds, options.tries)
    # The quota goes first, so that the scope is closed at full speed.
    with study_scope(settings, STUDY, pack.name) as scope, closing(CpuQuota(QUOTA_GROUP)) as quota:
        quotas = [*sorted(options.quotas), options.hold_out]
        *fitted, held_out = measure_points(scope, quota, options.domain, directory, quotas, plan)
    return evaluate(
        measured_at, machine, pack.name, metadata.version, plan.seconds, LAG_GROWTH_ALLOWED, fitted, held_out
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; see the module's docstring."""
    options = arguments(argv)

    def study() -> Path:
        settings = get_settings()
        result = measure(options, settings)
        directory: Path = settings.reports_dir / "studies" / STUDY if options.among_reports else options.output
        publish(directory, result, document(result), plots(result))
        return directory / README_FILE

    return run_study(study)


if __name__ == "__main__":
    sys.exit(main())
