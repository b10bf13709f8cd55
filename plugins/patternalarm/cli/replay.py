"""``replay``: a file of events through the whole path, followed to its verdict."""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from patternalarm.cli.airflow_api import AirflowApi
from patternalarm.cli.arguments import chosen, pack_given, whole_number_between
from patternalarm.cli.errors import UsageError
from patternalarm.cli.follow import Follower
from patternalarm.cli.report import platform_run_ids, show_report
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.jobs import ScorerMode
from patternalarm.contracts.runs import MAX_SEED
from patternalarm.settings import Settings

DAG_ID: Final = "replay_dataset"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--file", default="", help="the events, .parquet or .csv")
    parser.add_argument(
        "--pack", default="", help="domain pack that maps the file's columns: a name, or the path of a folder"
    )
    parser.add_argument("--seed", default="7", help="seed of the training")
    parser.add_argument(
        "--scorer-mode", default=None, help=f"{' or '.join(ScorerMode)}; the platform's setting by default"
    )
    parser.add_argument("--keep-topics", action="store_true", help="leave the run's topics for a look into them")


def parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """The DAG's parameters, paths made absolute.

    Raises:
        UsageError: the file or the pack is missing or cannot be; the DAG checks the one against the other.
    """
    if not arguments.file:
        raise UsageError("no file given: make replay FILE=events.parquet PACK=./its-pack")
    file = Path(arguments.file).expanduser().resolve()
    if not file.is_file():
        raise UsageError(f"there is no file {file}")
    if not arguments.pack:
        raise UsageError("no domain pack given: make replay FILE=events.parquet PACK=./its-pack")
    name_or_folder, pack = pack_given(arguments.pack)
    if pack.source is None:
        raise UsageError(f"pack {arguments.pack} maps no file: give it a `source`, or choose a pack that has one")
    conf: dict[str, Any] = {
        "file": str(file),
        "pack": name_or_folder,
        "seed": whole_number_between("seed", arguments.seed, 0, MAX_SEED),
    }
    if arguments.scorer_mode:
        conf["scorer_mode"] = chosen("scorer mode", arguments.scorer_mode, list(ScorerMode))
    if arguments.keep_topics:
        conf["keep_topics"] = True
    return conf


def run(arguments: argparse.Namespace, settings: Settings, console: Console) -> int:
    """Run it; 0 when the run passed, 1 when it missed a threshold or failed.

    Raises:
        UsageError, AirflowError: see there.
    """
    conf = parameters(arguments)
    api = AirflowApi(settings)
    followed = Follower(api, console).run(DAG_ID, conf)
    for run_id in platform_run_ids(api, followed):
        show_report(settings, run_id, sys.stdout)
    verdict = "[green]passed[/]" if followed.succeeded else "[red]not passed[/]"
    console.print(f"{verdict} in {followed.seconds:.0f} s")
    return 0 if followed.succeeded else ExitCode.FAILED
