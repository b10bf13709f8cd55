"""``load-test``: a graded load test, followed to its verdict."""

import argparse
import sys
from typing import Any, Final

from rich.console import Console

from patternalarm.cli.airflow_api import AirflowApi
from patternalarm.cli.arguments import chosen, domain_given, number_between, whole_number_between
from patternalarm.cli.follow import Follower
from patternalarm.cli.report import platform_run_ids, show_report
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.jobs import ScorerMode
from patternalarm.contracts.pack_folder import generated_domains
from patternalarm.contracts.runs import (
    EVENTS_PER_MINUTE,
    MAX_EVENTS_PER_MINUTE,
    MAX_MINUTES,
    MAX_SHARDS,
    MIN_EVENTS_PER_MINUTE,
    MIN_MINUTES,
    TRAINING_SEEDS_FROM,
    Level,
)
from patternalarm.settings import Settings

DAG_ID: Final = "run_load_test"
# Its task that trains a model when there is none; skipped otherwise.
TRAINING: Final = "train_missing_model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    rates = ", ".join(f"{level} {rate:,}" for level, rate in EVENTS_PER_MINUTE.items())
    parser.add_argument(
        "--domain", default="payments", help=f"one of {', '.join(generated_domains())}, or your own pack's folder"
    )
    parser.add_argument("--level", default=Level.NORMAL.value, help=f"events a minute: {rates}")
    parser.add_argument("--rate", default=None, help="events a minute in place of the level's, graded by the level")
    parser.add_argument("--minutes", default="2", help=f"how long events flow, {MIN_MINUTES:g} to {MAX_MINUTES}")
    parser.add_argument("--seed", default="7", help="the same seed gives the same actors and campaigns")
    parser.add_argument("--shards", default="1", help=f"generator processes that share the load, 1 to {MAX_SHARDS}")
    parser.add_argument(
        "--scorer-mode", default=None, help=f"{' or '.join(ScorerMode)}; the platform's setting by default"
    )
    parser.add_argument(
        "--strict",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether delays and rate decide the verdict too, or are only shown beside their targets; default: they do",
    )
    parser.add_argument("--keep-topics", action="store_true", help="leave the run's topics for a look into them")


def parameters(arguments: argparse.Namespace) -> dict[str, Any]:
    """The DAG's parameters.

    Raises:
        UsageError: one of them cannot be; the message says what could.
    """
    conf: dict[str, Any] = {
        "domain": domain_given(arguments.domain, generated_domains()),
        "level": chosen("level", arguments.level, [level.value for level in Level]),
        "minutes": number_between("minutes", arguments.minutes, MIN_MINUTES, MAX_MINUTES),
        "seed": whole_number_between("seed", arguments.seed, 0, TRAINING_SEEDS_FROM - 1),
        "shards": whole_number_between("shards", arguments.shards, 1, MAX_SHARDS),
        "strict": arguments.strict,
    }
    if arguments.rate:
        lowest, highest = MIN_EVENTS_PER_MINUTE, MAX_EVENTS_PER_MINUTE
        conf["events_per_minute"] = whole_number_between("rate", arguments.rate, lowest, highest)
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
    beyond = followed.seconds - conf["minutes"] * 60
    trained = any(task.task_id == TRAINING and task.state == "success" for task in followed.tasks)
    with_training = ", the training of a model included" if trained else ""
    # One that ended before its time ended early, and nothing is beyond it.
    than_asked = f", {beyond:.0f} s beyond the {conf['minutes']:g} minutes asked" if beyond >= 0 else ""
    console.print(f"{verdict} in {followed.seconds:.0f} s{than_asked}{with_training}")
    return 0 if followed.succeeded else ExitCode.FAILED
